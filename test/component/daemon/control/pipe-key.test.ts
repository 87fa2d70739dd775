import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { makePipeKey, meetClient, meetServer } from '../../../../src/daemon/control/pipe-key.ts';

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function pair(): Promise<readonly [client: Socket, server: Socket]> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as { readonly port: number }).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  for (const socket of [client, server]) socket.on('error', () => {});
  sockets.push(client, server);
  return [client, server];
}

test('both have the key: what is said after it arrives, also when it comes with the proof', async () => {
  const key = makePipeKey();
  const [client, server] = await pair();
  const met = meetServer(client, key).then(() => client.write('first request\n'));
  await meetClient(server, key);
  const [chunk] = (await once(server, 'data')) as [Buffer];
  expect(chunk.toString()).toBe('first request\n');
  server.write('hello\n');
  await met;
  expect(String((await once(client, 'data'))[0])).toBe('hello\n');
});

test('a client with another key is told nothing but a proof that is of no use to it', async () => {
  const [client, server] = await pair();
  const said: Buffer[] = [];
  client.on('data', (chunk: Buffer) => said.push(chunk));
  client.write(`${'0'.repeat(32)}\n${'1'.repeat(64)}\n`);
  await expect(meetClient(server, makePipeKey())).rejects.toThrow('does not have the key');
  server.destroy();
  await once(client, 'close');
  expect(Buffer.concat(said).toString()).toMatch(/^[0-9a-f]{32} [0-9a-f]{64}\n$/);
});

test('a server that has taken the name of another is told nothing', async () => {
  const [client, server] = await pair();
  server.write(`${'0'.repeat(32)} ${'1'.repeat(64)}\n`);
  await expect(meetServer(client, makePipeKey())).rejects.toThrow('does not have the key');
});

test('what a server proves to one is no proof of a client', async () => {
  const key = makePipeKey();
  const [client, server] = await pair();
  const refused = expect(meetClient(server, key)).rejects.toThrow('does not have the key');
  client.write(`${'a'.repeat(32)}\n`);
  const [reply] = (await once(client, 'data')) as [Buffer];
  client.write(`${reply.toString().split(' ')[1]}`);
  await refused;
});

test('a line without end, and a peer that goes, end it', async () => {
  const key = makePipeKey();
  const [client, server] = await pair();
  client.write('x'.repeat(10_000));
  await expect(meetClient(server, key)).rejects.toThrow('no proof');
  const [other, second] = await pair();
  other.end();
  await expect(meetClient(second, key)).rejects.toThrow('closed');
});
