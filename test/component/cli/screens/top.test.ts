import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OfficeScene } from './office-scene.ts';
import { expectSnapshot, openTerminal, SIZES, showEverywhere, throughPipe } from './screens.ts';

describe('top', () => {
  let scene: OfficeScene;
  beforeAll(async () => {
    scene = await OfficeScene.open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  /** The screen of flows and that of failures, and whether there are colours. */
  const live = async (size: (typeof SIZES)[number], more: Readonly<Record<string, string>> = {}) => {
    await using terminal = await openTerminal(scene.home, 'tshuttle top', size, more);
    const flows = await terminal.shows(
      /^10\.0\.0\.8:5432 +office +192\.0\.2\.1 [\s\S]*^1-1 of 1 flows, by rate\n.* f failures .*q quit$/m,
    );
    const isColoured = (await terminal.capture()).lines.some((line) => line.includes('\u001b[3'));
    await terminal.press('f');
    // To its last line, which is drawn last.
    const failures = await terminal.shows(/^1-6 of 6 lines of failures\n.* f flows .*q quit$/m);
    await terminal.press('q');
    await terminal.shows(/<ended with 0>/);
    return { pages: [flows.trimEnd(), failures.trimEnd()], isColoured };
  };

  test('is a screen of each size, on which every tunnel has its line, and without colours the same', async () => {
    const pages: string[] = [];
    for (const size of SIZES) {
      const { pages: shown, isColoured } = await live(size);
      expect(isColoured).toBe(true);
      for (const page of shown) {
        expect(page.split('\n')).toHaveLength(size.rows);
        for (const name of ['office', 'lab', 'train', 'bank', 'old', 'strict'])
          expect(page).toMatch(new RegExp(`^. ${name}  `, 'm'));
      }
      pages.push(...shown.map((page) => `# ${size.columns}x${size.rows}\n${page}\n`));
    }
    await expectSnapshot(pages, 'top');
    const plain = await live(SIZES[0], { NO_COLOR: '1' });
    expect(plain.isColoured).toBe(false);
    expect(plain.pages.map((page) => `# 80x24\n${page}\n`)).toEqual(pages.slice(0, 2));
  }, 60_000);

  test('--once is a table in every terminal, which is what a pipe and TERM=dumb get without it', async () => {
    const once = { code: 0, isColoured: true, isShortened: true };
    const page = await showEverywhere(scene.home, 'tshuttle top --once', once);
    await expectSnapshot([page], 'top-once');
    const piped = await throughPipe(scene.home, 'tshuttle top');
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    expect(piped.stdout).toBe((await throughPipe(scene.home, 'tshuttle top --once')).stdout);
    await using dumb = await openTerminal(scene.home, 'tshuttle top', undefined, { TERM: 'dumb' });
    await dumb.shows(/<ended with 0>/);
    expect((await dumb.everything()).rows.join('\n')).not.toContain('q quit');
  }, 60_000);
});
