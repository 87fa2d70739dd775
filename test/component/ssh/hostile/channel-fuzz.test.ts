import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { expect, test } from 'vitest';
import { encodeString, encodeUint32 } from '../../../../src/ssh/keys/wire.ts';
import { ChannelMux } from '../../../../src/ssh/ssh2/channels/channel-mux.ts';
import { FIRST_LOCAL_ID } from '../../../../src/ssh/ssh2/channels/channel-wire.ts';
import { readBastionFile } from '../../../../src/ssh/ssh2/read-file.ts';
import { carryFlow } from '../../../support/in-process/carry-flow.ts';
import { FakeWire } from '../../../support/in-process/fake-wire.ts';
import { openSocketPair, type SocketPair } from '../../../support/in-process/socket-pair.ts';
import { seededRandom } from '../../../unit/intercept/rules/seeded-random.ts';

const INITIAL_WINDOW_BYTES = 256 * 1024;
const ROUNDS = 40;
const FLOWS = 6;
const MESSAGES_PER_ROUND = 120;
/** One that runs a command and one that reads a file, behind the flows. */
const SESSIONS = 2;

/**
 * A bastion that says anything in any order: confirmations twice, data before and after everything, windows overrun,
 * ids that nobody gave out. Applications send, end and reset meanwhile. Nothing may throw, every flow must end, no id may
 * be kept, and nothing may be sent to a channel after its CLOSE.
 */
test('no order of messages harms it', async () => {
  const { seed, random: below } = seededRandom();
  const big = Buffer.alloc(INITIAL_WINDOW_BYTES);

  for (let round = 0; round < ROUNDS; round += 1) {
    const mux = new ChannelMux((events) => new FakeWire(events));
    const wire = mux.wire as FakeWire;
    const pairs: SocketPair[] = [];
    const summaries = [];
    for (let flow = 0; flow < FLOWS; flow += 1) {
      const pair = await openSocketPair();
      pair.application.resume();
      pairs.push(pair);
      const destination = { host: '10.0.0.1', port: flow + 1 };
      summaries.push(carryFlow(mux, pair.accepted, destination));
    }

    const sessionEnds: Array<string | undefined> = [];
    mux.openSession({ kind: 'exec', command: 'true' }, { sessionOver: (why) => sessionEnds.push(why) });
    const client = new EventEmitter() as Client;
    const file = readBastionFile(mux, { client, keyOptions: () => [] }, '/etc/resolv.conf').catch(String);
    await nextTurn();
    const sftpId = FIRST_LOCAL_ID + FLOWS + SESSIONS - 1;

    for (let message = 0; message < MESSAGES_PER_ROUND; message += 1) {
      const id = below(20) === 0 ? below(2 ** 32) : FIRST_LOCAL_ID + below(FLOWS + SESSIONS);
      const number = below(4) === 0 ? below(2 ** 32) : below(5);
      const actions = [
        () => mux.onConfirmation(id, id - FIRST_LOCAL_ID, number, below(70_000)),
        () => mux.onConfirmation(id, id - FIRST_LOCAL_ID, 100_000, 32_768),
        () => mux.onFailure(id, number, 'no\u0000\u001b[31m'),
        () => mux.onData(id, big.subarray(0, below(40_000))),
        () => mux.onData(id, below(30) === 0 ? Buffer.alloc(INITIAL_WINDOW_BYTES + 1) : big.subarray(0, 10)),
        () => mux.onWindowAdjust(id, number),
        () => mux.onEof(id),
        () => mux.onClose(id),
        () => mux.onRequest(id, below(2) === 0),
        () => mux.onRequestAnswer(id, below(5) > 0),
        () => mux.onExtendedData(id, big.subarray(0, below(50_000))),
        () => mux.onData(sftpId, sftpAnswer(below)),
        () => {
          wire.writable = below(2) === 0;
          mux.onWritable();
        },
        () => pairs[below(FLOWS)]?.application.write(big.subarray(0, below(100_000))),
        () => pairs[below(FLOWS)]?.application.end(),
        () => below(10) === 0 && pairs[below(FLOWS)]?.application.resetAndDestroy(),
      ];
      actions[below(actions.length)]?.();
      if (below(4) === 0) await nextTurn();
    }
    mux.connectionLost();
    mux.abortAll('the test ends');

    const ends = (await Promise.all(summaries)).map(({ end }) => end.kind);
    expect(ends, `seed ${seed}`).toHaveLength(FLOWS);
    expect(mux.size, `seed ${seed}`).toBe(0);
    expect(sessionEnds, `seed ${seed}`).toHaveLength(1);
    expect(typeof (await file)).toBe('string');
    const closed = new Set<number>();
    for (const sent of wire.sent) {
      if (sent.type === 'open' || sent.type === 'openSession') continue;
      expect(closed.has(sent.remoteId), `seed ${seed}: ${sent.type} after CLOSE`).toBe(false);
      if (sent.type === 'close') closed.add(sent.remoteId);
    }
    for (const pair of pairs) await pair[Symbol.asyncDispose]();
  }
});

/** An answer of an SFTP server, or what only looks like one. */
function sftpAnswer(below: (limit: number) => number): Buffer {
  const length = below(3) === 0 ? below(2 ** 32) : below(40);
  const field = Buffer.concat([encodeUint32(length), Buffer.alloc(below(40))]);
  const message = Buffer.concat([
    Buffer.of([2, 101, 102, 103, below(256)][below(5)] ?? 0),
    encodeUint32(below(3)),
    below(2) === 0 ? encodeString(Buffer.alloc(below(3_000))) : field,
  ]);
  return below(8) === 0 ? field : encodeString(message);
}

test('a bastion that takes no packet of any size is asked for nothing', async () => {
  const mux = new ChannelMux((events) => new FakeWire(events));
  const wire = mux.wire as FakeWire;
  const client = new EventEmitter() as Client;
  const file = readBastionFile(mux, { client, keyOptions: () => [] }, '/etc/resolv.conf');
  await nextTurn();
  mux.onConfirmation(FIRST_LOCAL_ID, 0, 2 ** 32 - 1, 0);
  await expect(file).rejects.toThrow('it takes no packet of any size');
  expect(wire.sent.map(({ type }) => type)).toEqual(['openSession', 'close']);
});

test.each([
  ['before it answers the request', () => {}],
  ['when the program runs', (mux: ChannelMux) => mux.onRequestAnswer(FIRST_LOCAL_ID, true)],
])('a session says no more than its window, %s', (_when, begin) => {
  const violations: string[] = [];
  const kept = { bytes: 0 };
  const mux = new ChannelMux(
    (events) => new FakeWire(events),
    undefined,
    (how) => violations.push(how),
  );
  const sessionSaid = (bytes: Buffer): void => {
    kept.bytes += bytes.length;
  };
  mux.openSession({ kind: 'exec', command: 'true' }, { sessionSaid, sessionOver: () => {} });
  mux.onConfirmation(FIRST_LOCAL_ID, 0, 2 ** 21, 32_768);
  begin(mux);
  for (let packets = 0; violations.length === 0; packets += 1) {
    expect(packets).toBeLessThanOrEqual(8);
    mux.onData(FIRST_LOCAL_ID, Buffer.alloc(32 * 1024));
    mux.onExtendedData(FIRST_LOCAL_ID, Buffer.alloc(1));
    mux.onReadEnd();
  }
  expect(violations[0]).toBe('it sent more to a session than its window allows');
  expect(kept.bytes).toBeLessThanOrEqual(128 * 1024);
  expect((mux.wire as FakeWire).of('windowAdjust')).toEqual([]);
});

/** A program that is told and says much, with the bastion played by the test. */
function openStream() {
  const violations: string[] = [];
  let said = 0;
  const mux = new ChannelMux(
    (events) => new FakeWire(events),
    undefined,
    (how) => violations.push(how),
  );
  const session = mux.openSession(
    { kind: 'exec', command: 'cat' },
    {
      isStream: true,
      sessionSaid: ({ length }) => {
        said += length;
      },
      sessionOver: () => {},
    },
  );
  mux.onConfirmation(FIRST_LOCAL_ID, 0, 2 ** 21, 32_768);
  mux.onRequestAnswer(FIRST_LOCAL_ID, true);
  return { mux, session, wire: mux.wire as FakeWire, violations, said: () => said };
}

test('a bastion may grant a stream something for each message, however many come together, and no more often', () => {
  const { mux, session, violations } = openStream();
  for (let sent = 0; sent < 5_000; sent += 1) expect(session.offer(Buffer.alloc(100))).toBe(true);
  for (let granted = 0; granted < 5_000; granted += 1) mux.onWindowAdjust(FIRST_LOCAL_ID, 100);
  expect(violations).toEqual([]);
  for (let more = 0; violations.length === 0; more += 1) {
    expect(more).toBeLessThan(5_000);
    mux.onWindowAdjust(FIRST_LOCAL_ID, 1);
  }
});

test('a stream says as much as it likes, and never more than its window', () => {
  const { mux, wire, violations, said } = openStream();
  for (let packets = 0; packets < 32; packets += 1) {
    mux.onData(FIRST_LOCAL_ID, Buffer.alloc(32 * 1024));
    mux.onReadEnd();
  }
  expect([violations, said()]).toEqual([[], 2 ** 20]);
  const granted = wire.of('windowAdjust').reduce((sum, { bytes }) => sum + bytes, 0);
  mux.onExtendedData(FIRST_LOCAL_ID, Buffer.alloc(INITIAL_WINDOW_BYTES + granted - said() + 1));
  expect(violations).toEqual(['it sent more to a session than its window allows']);
});
