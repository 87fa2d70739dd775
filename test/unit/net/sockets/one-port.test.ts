import { expect, test } from 'vitest';
import { onOnePort } from '../../../../src/net/sockets/one-port.ts';

/** What is opened in turn, and which of it is open. */
class Sockets {
  opened = 0;
  readonly open = new Set<number>();

  next(): { close(): void } {
    this.opened += 1;
    const number = this.opened;
    this.open.add(number);
    return { close: () => this.open.delete(number) };
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`bind ${code}`), { code });
}

test('a port that is free for the first only is given back, and another one tried', async () => {
  const sockets = new Sockets();
  const result = await onOnePort(0, async (opened) => {
    opened.push(sockets.next());
    if (sockets.opened < 3) throw failure('EADDRINUSE');
    opened.push(sockets.next());
    return 'both';
  });
  expect(result).toBe('both');
  expect([...sockets.open]).toEqual([3, 4]);
});

test.each([
  ['one after the other is taken', 0, 'EADDRINUSE', 16],
  ['that one was asked for is taken', 12_300, 'EADDRINUSE', 1],
  ['there is no such address', 0, 'EADDRNOTAVAIL', 1],
])('nothing is left open when %s', async (_what, port, code, attempts) => {
  const sockets = new Sockets();
  const opening = onOnePort(port, async (opened) => {
    opened.push(sockets.next());
    throw failure(code);
  });
  await expect(opening).rejects.toMatchObject({ code });
  expect(sockets.opened).toBe(attempts);
  expect(sockets.open.size).toBe(0);
});
