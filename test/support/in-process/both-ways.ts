import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { ChannelMux } from '../../../src/ssh/ssh2/channels/channel-mux.ts';
import { attachChannelWire } from '../../../src/ssh/ssh2/internals/channel-internals.ts';
import { until } from '../process/until.ts';
import { carryFlow } from './carry-flow.ts';
import { openSocketPair, readToEnd } from './socket-pair.ts';
import { openDestination, type Ssh2Pair } from './ssh2-pair.ts';

const BYTES = 8 * 1024 * 1024;

interface Protocol {
  readonly _cipher: object;
  rekey(): void;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/**
 * Carries 8 MiB up, a half-close and 8 MiB down over one channel, with a key exchange in the middle of each mebibyte down, and checks
 * every byte.
 *
 * @returns the ciphers that the client had meanwhile
 */
export async function checkBothWays(pair: Pick<Ssh2Pair, 'client' | 'socket'>): Promise<ReadonlySet<object>> {
  const { _protocol: protocol } = pair.client as unknown as { readonly _protocol: Protocol };
  const [up, down] = [randomBytes(BYTES), randomBytes(BYTES)];
  let received: Buffer | undefined;
  await using destination = await openDestination((socket) => {
    void readToEnd(socket).then((bytes) => {
      received = bytes;
      socket.end(down);
    });
  });
  await using application = await openSocketPair();
  const mux = new ChannelMux((events) => attachChannelWire(pair.client, pair.socket, events));
  const summary = carryFlow(mux, application.accepted, { host: '127.0.0.1', port: destination.port });
  const ciphers = new Set([protocol._cipher]);
  application.application.end(up);
  let receivedDown = 0;
  application.application.on('data', (bytes: Buffer) => {
    ciphers.add(protocol._cipher);
    // ssh2 ignores the call while a key exchange is under way.
    if (receivedDown >> 20 !== (receivedDown + bytes.length) >> 20) protocol.rekey();
    receivedDown += bytes.length;
  });
  const answer = await readToEnd(application.application);
  expect(sha256(received ?? Buffer.alloc(0))).toBe(sha256(up));
  expect(sha256(answer)).toBe(sha256(down));
  expect(await summary).toEqual({ end: { kind: 'eof' }, bytesUp: up.length, bytesDown: down.length });
  await until(() => mux.size === 0, { deadlineMs: 2_000, what: 'the channel id is free' });
  return ciphers;
}
