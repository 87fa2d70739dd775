import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { TshuttleError } from '../../../../src/core/errors.ts';
import type { Connections } from '../../../../src/tunnel/bastion/connections.ts';
import { NOBODY } from '../../../../src/tunnel/bastion/connections.ts';
import { ReconnectingTransport } from '../../../../src/tunnel/bastion/reconnecting-transport.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const DESTINATION = { host: 'ns.internal', port: 53 };
const { signal } = new AbortController();

async function connectedBy(open: Connections['open']) {
  const connections = { description: 'a', open, lost: new Promise(() => {}), close: async () => {} };
  const idle: boolean[] = [];
  const transport = await ReconnectingTransport.open(
    { onDown: 'hold', holdMs: 1_000, logger: recordingLogger(), prompter: NOBODY },
    () => Promise.resolve(connections as unknown as Connections),
    signal,
  );
  transport.onIdle = () => idle.push(transport.isIdle);
  return { transport, idle };
}

test('what is opened for ourselves, as a query is, flows until it is closed', async () => {
  const socket = new Socket();
  const { transport, idle } = await connectedBy(() => Promise.resolve(socket));
  expect(transport.isIdle).toBe(true);
  const opening = transport.open(DESTINATION, signal);
  expect(transport.isIdle).toBe(false);
  await opening;
  expect([transport.isIdle, idle]).toEqual([false, []]);
  socket.destroy();
  await once(socket, 'close');
  expect([transport.isIdle, idle]).toEqual([true, [true]]);
});

test('what could not be opened flows no more, nor does what was closed at once', async () => {
  const refused = new TshuttleError('ERR_CHANNEL_REFUSED', 'no');
  const { transport } = await connectedBy(() => Promise.reject(refused));
  await expect(transport.open(DESTINATION, signal)).rejects.toBe(refused);
  expect(transport.isIdle).toBe(true);

  const closed = new Socket();
  closed.destroy();
  await once(closed, 'close');
  const other = await connectedBy(() => Promise.resolve(closed));
  await other.transport.open(DESTINATION, signal);
  expect(other.transport.isIdle).toBe(true);
});
