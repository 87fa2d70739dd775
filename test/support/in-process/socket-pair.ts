import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { openListeners } from '../../../src/net/sockets/listener.ts';

/** An application's socket and the accepted one that tshuttle gets, connected over loopback. */
export interface SocketPair {
  readonly application: Socket;
  readonly accepted: Socket;
  /** Destroys both. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Connects an application to a listener of ours and waits for the accepted socket. */
export async function openSocketPair(): Promise<SocketPair> {
  let onAccepted: (accepted: Socket) => void = () => {};
  const arrival = new Promise<Socket>((resolve) => {
    onAccepted = resolve;
  });
  const listeners = await openListeners(
    { address4: '127.0.0.1', address6: undefined, port: undefined },
    (socket) => onAccepted(socket),
  );
  const application = connect({ host: '127.0.0.1', port: listeners.port, allowHalfOpen: true });
  application.on('error', () => {});
  const accepted = await arrival;
  if (application.connecting) await once(application, 'connect');
  await listeners.close();
  return {
    application,
    accepted,
    [Symbol.asyncDispose]: async () => {
      application.destroy();
      accepted.destroy();
    },
  };
}

/** Collects what a socket receives until its end; rejects when it is reset. */
export function readToEnd(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => chunks.push(bytes));
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('error', reject);
  });
}
