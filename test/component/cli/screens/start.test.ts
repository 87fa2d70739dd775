import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeCommand, Home } from '../entry.ts';
import { expectSnapshot, openTerminal, SIZES } from './screens.ts';

const WORDS = ['-r', 'me@bastion.example', '10.0.0.0/8'];

describe('a start that takes long', () => {
  let home: Home;
  beforeAll(async () => {
    home = await Home.make('/tmp');
  });
  afterAll(() => home[Symbol.asyncDispose]());

  /** What is on a terminal (command-line.test.ts has what is in a pipe) while it connects, and all that was there when it has ended; without the time of day. */
  const started = async (
    words: readonly string[],
    size: (typeof SIZES)[number] = SIZES[0],
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly meanwhile: string; readonly atEnd: string; readonly isColoured: boolean }> => {
    const line = fakeCommand([...words, ...WORDS]).join(' ');
    await using terminal = await openTerminal(home, line, size, { FAKE_TUNNEL: 'slow-ask', ...more });
    const meanwhile = words.includes('-q') ? '' : await terminal.shows(/^tshuttle: connecting to h \.\.\.$/m);
    await terminal.shows(/^Password:$/m);
    await terminal.type('hush');
    await terminal.shows(/^Continue \(yes\/no\)\?$/m);
    await terminal.type('yes');
    if (!words.includes('-q')) await terminal.shows(/; stop it with Ctrl-C$/m);
    await terminal.press('C-c');
    await terminal.shows(/<ended with 130>/);
    const { rows, lines, coloured } = await terminal.everything();
    expect(rows).toEqual(lines);
    const atEnd = rows.join('\n').replaceAll(/^\[\d\d:\d\d:\d\d\]/gm, '[12:34:56]');
    expect(atEnd).not.toContain('hush');
    return { meanwhile, atEnd, isColoured: coloured.includes('\u001b[3') };
  };

  test('says so in a line that goes away, asks, logs in sentences, and says how to stop it', async () => {
    const pages = await Promise.all(
      SIZES.map(async (size) => {
        const { meanwhile, atEnd, isColoured } = await started(['-v'], size);
        expect(isColoured).toBe(true);
        expect(meanwhile.trimEnd()).toBe('tshuttle: connecting to h ...');
        expect(atEnd).not.toContain('connecting');
        return `# ${size.columns}x${size.rows}\n${atEnd}\n`;
      }),
    );
    const [plain, dumb, quiet] = await Promise.all([
      started(['-v'], SIZES[0], { NO_COLOR: '1' }),
      started(['-v'], SIZES[0], { TERM: 'dumb' }),
      started(['-q']),
    ]);
    expect(plain.isColoured).toBe(false);
    expect(`# 80x24\n${plain.atEnd}\n`).toBe(pages[0]);
    // Where no line can be taken back it stays.
    expect(dumb.isColoured).toBe(false);
    expect(dumb.atEnd).toBe(`tshuttle: connecting to h ...\n${plain.atEnd}`);
    await expectSnapshot([...pages, `# 80x24, -q\n${quiet.atEnd}\n`], 'start');
  }, 60_000);

  test('counts down while it waits for what --probe names', async () => {
    const line = fakeCommand(['run', ...WORDS, '--probe', 'db.example:5432', '--', 'true']).join(' ');
    const waiting = /^tshuttle: waiting for db\.example:5432, (\d+) s left \.\.\.$/m;
    await Promise.all(
      SIZES.map(async (size) => {
        await using terminal = await openTerminal(home, line, size, { FAKE_TUNNEL: 'up' });
        const left = Number(waiting.exec(await terminal.shows(waiting))![1]);
        const fewer = [...Array(left).keys()].join('|');
        await terminal.shows(new RegExp(`5432, (?:${fewer}) s left`));
        await terminal.press('C-c');
        await terminal.shows(/<ended with 130>/);
        expect(await terminal.text()).not.toContain('waiting');
      }),
    );
  }, 60_000);
});
