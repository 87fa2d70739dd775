import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import {
  type CipherAlgorithm,
  Client,
  type CompressionAlgorithm,
  type Connection,
  type MacAlgorithm,
  Server,
} from 'ssh2';
import { offerOwn } from '../../../src/ssh/ssh2/internals/key-exchange-internals.ts';
import { generateKeyPair } from './ssh2-key.ts';

/** An authenticated ssh2 client and the in-process server it talks to, over a real loopback connection. */
export interface Ssh2Pair {
  readonly client: Client;
  /** The client's end of the connection. */
  readonly socket: Socket;
  /** The server's side of it. */
  readonly connection: Connection;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts an ssh2 server that lets anybody in and forwards direct-tcpip to any loopback port, half-close included; a
 * connection that fails is refused with reason 2, as sshd does.
 *
 * @param openProxy opens something to connect through, before the given port; closed with the pair
 * @param cipher the only one to offer
 * @param compression the only one to offer
 * @param mac the only one to offer
 */
export async function openSsh2Pair(
  openProxy?: (port: number) => Promise<{ readonly port: number } & AsyncDisposable>,
  cipher?: CipherAlgorithm,
  compression: CompressionAlgorithm = 'none',
  mac?: MacAlgorithm,
): Promise<Ssh2Pair> {
  const connections: Connection[] = [];
  const server = new Server({ hostKeys: [generateKeyPair().private] }, (connection) => {
    connections.push(connection);
    connection.on('error', () => {});
    connection.on('authentication', (context) => context.accept());
    connection.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const destination = connect({ host: destIP, port: destPort, allowHalfOpen: true });
      destination.once('error', () => reject());
      destination.once('connect', () => {
        destination.removeAllListeners('error');
        const channel = accept();
        destination.on('error', () => channel.close());
        channel.on('error', () => destination.destroy());
        channel.pipe(destination).pipe(channel);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await openProxy?.((server.address() as { port: number }).port);
  const { port } = proxy ?? (server.address() as { port: number });

  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const client = new Client();
  client.on('error', () => {});
  const algorithms = {
    compress: [compression],
    ...(cipher === undefined ? {} : { cipher: [cipher] }),
    ...(mac === undefined ? {} : { hmac: [mac] }),
  };
  client.connect({ sock: socket, username: 'anybody', password: 'none', algorithms });
  // As every client of ours does, with nothing to add.
  offerOwn(client, { methods: new Map() });
  await once(client, 'ready');
  const connection = connections[0];
  if (connection === undefined) throw new Error('the server has seen no connection');
  return {
    client,
    socket,
    connection,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.close();
      await proxy?.[Symbol.asyncDispose]();
    },
  };
}

/** A TCP server on loopback that treats each connection as the test says; half-open, errors ignored. */
export async function openDestination(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
