import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tcpByteCounts } from '../../../../src/net/native/tcp.ts';
import { until } from '../../../support/process/until.ts';

const BYTES = 1024 * 1024;
const DEADLINE = { deadlineMs: 10_000, what: 'all has arrived' };

let server: ReturnType<typeof createServer>;
let accepted: Socket;
let application: Socket;

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  application = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  application.on('error', () => {});
  [accepted] = (await once(server, 'connection')) as [Socket];
  accepted.on('error', () => {});
});

afterEach(async () => {
  accepted.destroy();
  application.destroy();
  server.close();
  await once(server, 'close');
});

test('what the kernel took counts, acknowledged or not', async () => {
  application.write('request');
  // More than it takes in unread, and less than the kernel keeps for it meanwhile.
  await new Promise((taken) => accepted.write(Buffer.alloc(BYTES), taken));
  expect(tcpByteCounts(accepted)?.sentBytes).toBe(BYTES);
  application.resume();
  await until(() => application.bytesRead === BYTES, DEADLINE);
  expect(tcpByteCounts(accepted)).toEqual({ sentBytes: BYTES, receivedBytes: 'request'.length });
});
