import { expect, test } from 'vitest';
import { ChannelMux } from '../../../../../src/ssh/ssh2/channels/channel-mux.ts';
import { FakeWire } from '../../../../support/in-process/fake-wire.ts';

const REMOTE_ID = 7;
const PIECE = Buffer.alloc(1_400, 'x');

/** A program that runs and reads nothing: its window is all that it takes. */
function openStalledSession(windowBytes: number) {
  let wire: FakeWire | undefined;
  const mux = new ChannelMux(
    (events) => {
      wire = new FakeWire(events);
      return wire;
    },
    undefined,
    () => {},
  );
  const ends: Array<string | undefined> = [];
  const session = mux.openSession(
    { kind: 'exec', command: 'cat' },
    { isStream: true, sessionOver: (why) => ends.push(why) },
  );
  const [opened] = wire!.of('openSession');
  mux.onConfirmation(opened!.localId, REMOTE_ID, windowBytes, 32_768);
  mux.onRequestAnswer(opened!.localId, true);
  return { mux, session, wire: wire!, localId: opened!.localId, ends };
}

test('what was offered leaves room for what must be sent', () => {
  const { mux, session, wire, localId, ends } = openStalledSession(100_000);
  let taken = 0;
  while (session.offer(PIECE)) taken += PIECE.length;
  expect(taken).toBeGreaterThanOrEqual(100_000);
  for (let again = 0; again < 1_000; again += 1) session.send(Buffer.from('it must be sent'));
  expect(ends).toEqual([]);
  mux.onWindowAdjust(localId, 1_000_000);
  const sent = wire.dataTo(REMOTE_ID).toString();
  expect(sent).toBe('x'.repeat(taken) + 'it must be sent'.repeat(1_000));
});

test('one that takes nothing of what must be sent is ended', () => {
  const { session, ends } = openStalledSession(0);
  for (let pieces = 0; pieces < 100; pieces += 1) session.send(PIECE);
  expect(ends).toEqual(['it does not take what it is sent']);
});
