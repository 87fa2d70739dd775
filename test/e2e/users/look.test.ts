import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { drawPicture } from '../../../bench/look/draw.ts';
import { spansOf } from '../../../bench/look/spans.ts';
import { playStory } from '../../../bench/look/story.ts';
import { createLab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { expectNothingLeft } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: two terminals, as in README's picture ── bastion ── destination: a web server
 */

const PICTURE = new URL('../../../bench/look/look.svg', import.meta.url);
const MAXIMUM_BYTES = 200_000;
const TITLE =
  'tshuttle in two terminals: a web server behind a bastion is out of reach, then in reach, then out again';

/** Of `npm run look`, which makes the picture anew. */
const isWriting = process.env['TSHUTTLE_LOOK'] === 'write';

/** What the picture says happens, a line for each thing. */
function description(): readonly string[] {
  const [, text = ''] = /<desc>([\s\S]*?)<\/desc>/.exec(readFileSync(PICTURE, 'utf8')) ?? [];
  return text.replaceAll('&amp;', '&').split('\n');
}

describe.skipIf(skipLab)('what the picture in README shows', () => {
  it('is what happens', async () => {
    await using lab = await createLab();
    const { recording, stillMs, transcript } = await playStory(lab);
    await expectNothingLeft(lab);
    if (isWriting) {
      const { frames, endMs } = recording;
      const spans = spansOf(frames, endMs);
      const texts = { title: TITLE, description: transcript.join('\n') };
      await writeFile(PICTURE, drawPicture({ spans, endMs, stillMs, ...texts }));
    }
    expect(description(), 'npm run look makes it anew').toEqual(transcript);
  });
});

describe('the picture in README', () => {
  it('is one that GitHub shows, in README', () => {
    const svg = readFileSync(PICTURE, 'utf8');
    expect(svg.length).toBeLessThan(MAXIMUM_BYTES);
    expect(svg).not.toMatch(/<script|<foreignObject|<animate|href=|url\(|@font-face/i);
    expect(new Resvg(svg).width).toBeGreaterThan(700);
    expect(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')).toContain(
      '(bench/look/look.svg)',
    );
  });

  it('shows commands that README has', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const commands = description().filter((line) => line.startsWith('$ tshuttle '));
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) expect(readme).toContain(`\`${command.slice(2)}\``);
  });
});
