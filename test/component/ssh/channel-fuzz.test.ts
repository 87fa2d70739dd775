import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ChannelMux } from '../../../src/ssh/ssh2/channel-mux.ts';
import { FIRST_LOCAL_ID } from '../../../src/ssh/ssh2/channel-wire.ts';
import { FakeWire } from '../../support/fake-wire.ts';
import { openSocketPair, type SocketPair } from '../../support/socket-pair.ts';
import { seededRandom } from '../../unit/intercept/seeded-random.ts';

const INITIAL_WINDOW_BYTES = 256 * 1024;
const ROUNDS = 40;
const FLOWS = 6;
const MESSAGES_PER_ROUND = 120;

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
      summaries.push(mux.carry(pair.accepted, destination, { family: 4, address: '127.0.0.1', port: 1 }));
    }

    for (let message = 0; message < MESSAGES_PER_ROUND; message += 1) {
      const id = below(20) === 0 ? below(2 ** 32) : FIRST_LOCAL_ID + below(FLOWS);
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
    const closed = new Set<number>();
    for (const sent of wire.sent) {
      if (sent.type === 'open') continue;
      expect(closed.has(sent.remoteId), `seed ${seed}: ${sent.type} after CLOSE`).toBe(false);
      if (sent.type === 'close') closed.add(sent.remoteId);
    }
    for (const pair of pairs) await pair[Symbol.asyncDispose]();
  }
});
