import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProgressLine } from '../../../../src/cli/rendering/progress-line.ts';

const ERASE = '\r\x1b[K';

function lineOn({ isTTY = true, columns = 80, term = 'xterm', isAsking = async () => false } = {}) {
  let written = '';
  const terminal = {
    isTTY,
    columns,
    write: (text: string): void => {
      written += text;
    },
  };
  const line = new ProgressLine(terminal, term, isAsking);
  return {
    line,
    /** What has been written since the last time. */
    take: (): string => {
      const taken = written;
      written = '';
      return taken;
    },
  };
}

describe('the line of progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('comes after a second, is replaced at once from then on, and is gone at the end', () => {
    const { line, take } = lineOn();
    line.step('looking up bastion');
    vi.advanceTimersByTime(999);
    expect(take()).toBe('');
    line.step('connecting to bastion');
    vi.advanceTimersByTime(1);
    expect(take()).toBe(`${ERASE}tshuttle: connecting to bastion ...`);
    line.step('logging in');
    expect(take()).toBe(`${ERASE}tshuttle: logging in ...`);
    line.step(undefined);
    expect(take()).toBe(ERASE);
    vi.advanceTimersByTime(10_000);
    expect(take()).toBe('');
    // What comes later has a second of its own.
    line.step('ending office');
    vi.advanceTimersByTime(999);
    expect(take()).toBe('');
    line.step(undefined);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('words that change with time are looked at each second', () => {
    const { line, take } = lineOn();
    let left = 12;
    line.step(() => `waiting for db:5432: refused, ${left} s left`);
    vi.advanceTimersByTime(1_000);
    expect(take()).toContain('12 s left');
    left = 11;
    vi.advanceTimersByTime(1_000);
    expect(take()).toBe(`${ERASE}tshuttle: waiting for db:5432: refused, 11 s left ...`);
  });

  describe('beside another program that may ask on the same terminal', () => {
    const starting = { words: 'starting the root helper', mayAsk: true } as const;
    const SAID = 'tshuttle: starting the root helper ...\n';

    test('is a line of its own, once, and is never replaced: the question stands below it', async () => {
      const { line, take } = lineOn();
      line.step('reading the ssh configuration');
      vi.advanceTimersByTime(1_000);
      take();
      line.step(starting);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(take()).toBe(`${ERASE}${SAID}`);
      line.step('connecting to bastion');
      expect(take()).toBe(`${ERASE}tshuttle: connecting to bastion ...`);
    });

    test('is nothing while that asks, and comes when it has been answered and still takes its time', async () => {
      let isAsking = true;
      const { line, take } = lineOn({ isAsking: async () => isAsking });
      line.step(starting);
      await vi.advanceTimersByTimeAsync(30_000);
      expect(take()).toBe('');
      isAsking = false;
      await vi.advanceTimersByTimeAsync(1_000);
      expect(take()).toBe(SAID);
    });

    test('is nothing when it is over before that is known', async () => {
      let answer = (_isAsking: boolean): void => {};
      const { line, take } = lineOn({
        isAsking: () => new Promise<boolean>((resolve) => (answer = resolve)),
      });
      line.step(starting);
      await vi.advanceTimersByTimeAsync(1_000);
      line.step(undefined);
      answer(false);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(take()).toBe('');
    });
  });

  test('makes room for a line of the log and comes back below it; stays away while a question is open', () => {
    const { line, take } = lineOn();
    line.step('logging in');
    vi.advanceTimersByTime(1_000);
    take();
    line.erase();
    line.erase();
    expect(take()).toBe(ERASE);
    vi.advanceTimersByTime(1_000);
    expect(take()).toContain('logging in');
    line.hold();
    expect(take()).toBe(ERASE);
    line.step('logging in with a code');
    vi.advanceTimersByTime(5_000);
    expect(take()).toBe('');
    line.release();
    vi.advanceTimersByTime(1_000);
    expect(take()).toContain('logging in with a code');
  });

  test('is never wider than the terminal, and has no controls of others', () => {
    const { line, take } = lineOn({ columns: 20 });
    line.step('connecting to \x1b[2Jhost\nwith a long name');
    vi.advanceTimersByTime(1_000);
    expect(take()).toBe(`${ERASE}tshuttle: connectin`);
    // Of a terminal that says nothing of its size, the usual one is taken.
    const unknown = lineOn({ columns: 0 });
    unknown.line.step('connecting');
    vi.advanceTimersByTime(1_000);
    expect(unknown.take()).toBe(`${ERASE}tshuttle: connecting ...`);
  });

  test('where no cursor moves each step that takes long is a plain line, once', () => {
    const { line, take } = lineOn({ term: 'dumb' });
    line.step('connecting to bastion');
    vi.advanceTimersByTime(5_000);
    line.hold();
    line.release();
    line.step('logging in');
    line.step(undefined);
    expect(take()).toBe('tshuttle: connecting to bastion ...\ntshuttle: logging in ...\n');
  });

  test('off a terminal, and where it is silenced, there is nothing', () => {
    const piped = lineOn({ isTTY: false });
    const silenced = lineOn();
    silenced.line.step('before');
    silenced.line.silence();
    for (const { line, take } of [piped, silenced]) {
      line.step('connecting to bastion');
      vi.advanceTimersByTime(5_000);
      line.step(undefined);
      expect(take()).toBe('');
    }
  });
});
