import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RuleWatch } from '../../../../src/intercept/root/rule-watch.ts';
import type { RulesetDeletion, RulesetNews } from '../../../../src/net/native/netlink/ruleset-messages.ts';

const NAT = { family: 2, table: 'nat', chains: ['OUTPUT', 'TSHUTTLE-1'] } as const;
const OURS: RulesetDeletion = { family: 2, table: 'nat', chain: 'OUTPUT', changedBy: 'iptables (process 7)' };
const QUIET: RulesetNews = { deletions: [], isIncomplete: false };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A watch over a kernel that says what it is given. */
function open({
  places = [NAT],
  hasMessages = true,
}: {
  places?: readonly (typeof NAT)[];
  hasMessages?: boolean;
} = {}) {
  let waiting: RulesetNews[] = [];
  let isListening = false;
  let isClosed = false;
  let signal: () => void = () => {};
  const looks: Array<string | undefined> = [];
  const watch = new RuleWatch({
    places: hasMessages ? places : undefined,
    look: (changedBy) => {
      looks.push(changedBy());
      return Promise.resolve();
    },
    openMessages: (onMessages) => {
      signal = onMessages;
      return {
        listen: () => {
          isListening = true;
        },
        rest: () => {
          isListening = false;
        },
        hasNews: () => waiting.length > 0,
        read: () => {
          const deletions = waiting.flatMap((news) => news.deletions);
          const isIncomplete = waiting.some((news) => news.isIncomplete);
          waiting = [];
          return { deletions, isIncomplete };
        },
        close: () => {
          isClosed = true;
        },
      };
    },
  });
  const say = (news: Partial<RulesetNews>): void => {
    waiting.push({ ...QUIET, ...news });
    if (isListening) signal();
  };
  return { watch, looks, say, isClosed: () => isClosed };
}

describe('a watch over rules', () => {
  it('looks when a rule, a chain or the table that leads to us has gone, or messages were lost', async () => {
    const { looks, say } = open();
    const changes: readonly Partial<RulesetNews>[] = [
      { deletions: [OURS] },
      { deletions: [{ ...OURS, chain: 'TSHUTTLE-1' }] },
      { deletions: [{ ...OURS, chain: undefined }] },
      { isIncomplete: true },
    ];
    for (const change of changes) {
      say(change);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(looks).toEqual([
      'iptables (process 7)',
      'iptables (process 7)',
      'iptables (process 7)',
      undefined,
    ]);
  });

  it('does not look for what is not ours', async () => {
    const { looks, say } = open();
    say({
      deletions: [
        { ...OURS, chain: 'DOCKER' },
        { ...OURS, table: 'filter' },
        { ...OURS, family: 10 },
      ],
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks).toEqual([]);
  });

  it('sleeps while nothing comes', () => {
    open();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('looks at what comes all the time twice a second at most, and once more at the end', async () => {
    const { looks, say } = open();
    for (let sent = 0; sent < 3_000; sent += 1) {
      say({ deletions: [{ ...OURS, chain: 'DOCKER' }, OURS] });
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(looks.length).toBeLessThanOrEqual(6);
    const before = looks.length;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks.length).toBe(before + 1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('looks every 10 s where the kernel tells of nothing', async () => {
    const { watch, looks } = open({ hasMessages: false });
    await vi.advanceTimersByTimeAsync(30_500);
    expect(looks).toHaveLength(3);
    watch.close();
    await vi.advanceTimersByTimeAsync(30_500);
    expect(looks).toHaveLength(3);
  });

  it('ends in whatever it does', async () => {
    const { watch, looks, say, isClosed } = open();
    say({ deletions: [OURS] });
    watch.close();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([looks, isClosed(), vi.getTimerCount()]).toEqual([[], true, 0]);
  });
});
