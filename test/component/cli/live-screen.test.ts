import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { buildModule } from '../../support/process/built-module.ts';
import { Terminal } from './terminal.ts';

const OPENED = '\u001b[?1049h\u001b[?25l';
const CLOSED = '\u001b[?25h\u001b[?1049l';

/** Takes the terminal; `x` meets a bug, `r` reports a failure, `e` ends the process, and `q` gives it back first. */
const program = (module: string): string => `
  const { LiveScreen } = await import("${module}");
  const context = { reportFailure: ({ message }) => console.log("told: " + message) };
  const keys = {
    x: () => { throw new Error("a bug"); },
    r: () => context.reportFailure(new Error("a failure")),
    e: () => process.exit(3),
    q: () => screen.close(),
  };
  const screen = new LiveScreen(context, {
    onKey: (key) => { screen.draw(["pressed " + key]); keys[key]?.(); },
    onChanged: () => screen.draw(["changed"]),
    onGone: () => {},
  });
  screen.draw(["drawn"]);`;

test('the terminal is given back on every way out, and what was reported meanwhile is told then', async () => {
  const module = resolve(await buildModule('src/cli/rendering/live-screen.ts'));
  const argv = ['node', '--input-type=module', '-e', program(module)];
  const ended = async (
    ...keys: readonly string[]
  ): Promise<readonly [output: string, code: number | null]> => {
    await using terminal = new Terminal(argv, { PATH: process.env['PATH']! });
    await terminal.untilShown('drawn');
    for (const key of keys) {
      terminal.type(key);
      // The key that ends it may be gone before its line is seen.
      if (key !== keys.at(-1)) await terminal.untilShown(key === '\u001a' ? 'changed' : `pressed ${key}`);
    }
    const code = await terminal.ended();
    return [terminal.output, code];
  };
  for (const [keys, code, told] of [
    [['r', 'q'], 0, /^told: a failure/],
    [['r', 'e'], 3, /^told: a failure/],
    [['x'], 1, /^/],
  ] as const) {
    const [output, exitCode] = await ended(...keys);
    expect(output.split(OPENED)).toHaveLength(2);
    expect(output.split(CLOSED)).toHaveLength(2);
    expect(output.split(CLOSED)[1]).toMatch(told);
    expect(exitCode).toBe(code);
  }
  // No shell could make it go on here, so the kernel does not stop it: it goes on by itself.
  const [output] = await ended('\u001a', 'q');
  expect(output.split(OPENED)).toHaveLength(3);
  expect(output.split(CLOSED)).toHaveLength(3);
});
