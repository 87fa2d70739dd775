import type { Socket } from 'node:net';
import { sendNow } from '../native/transfer/send.ts';
import { reuseReadBuffer } from './read-buffer.ts';

/** How the copying between two sockets ended. */
export type CopyEnd =
  /** Both directions ended with EOF. */
  | { readonly kind: 'eof' }
  /** One of them failed, or was closed before both directions were over. */
  | { readonly kind: 'broken'; readonly by: Socket; readonly error: Error | undefined };

/** What has been copied so far. */
export interface CopiedBytes {
  /** From the application's side to the other. */
  bytesUp: number;
  bytesDown: number;
}

/**
 * Copies between two sockets, both half-open capable, until both directions are over: an end of data is passed on as one, and
 * neither is read faster than the other takes it. Afterwards both are closed when all ended in order; otherwise the
 * application's is the caller's to reset.
 *
 * @param counts kept up to date
 * @param mayEnd asked before an end of the far side's is passed on; when it is none, the far side is broken
 */
export function copyBothWays(
  application: Socket,
  far: Socket,
  counts: CopiedBytes,
  mayEnd: () => Promise<boolean>,
): Promise<CopyEnd> {
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (end: CopyEnd): void => {
      if (isSettled) return;
      isSettled = true;
      far.destroy();
      resolve(end);
    };
    const closed = new Set<Socket>();
    for (const socket of [application, far]) {
      let error: Error | undefined;
      socket.once('error', (failure) => {
        error = failure;
      });
      socket.once('close', () => {
        closed.add(socket);
        if (!socket.readableEnded || !socket.writableFinished) settle({ kind: 'broken', by: socket, error });
        else if (closed.size === 2) settle({ kind: 'eof' });
      });
      if (socket.destroyed) settle({ kind: 'broken', by: socket, error: undefined });
    }
    application.once('end', () => far.end());
    far.once('end', () => {
      void mayEnd().then((may) => (may ? application.end() : far.destroy()));
    });
    copy(application, far, (bytes) => {
      counts.bytesUp += bytes;
    });
    copy(far, application, (bytes) => {
      counts.bytesDown += bytes;
    });
  });
}

function copy(from: Socket, to: Socket, count: (bytes: number) => void): void {
  const isReused = reuseReadBuffer(from);
  from.on('data', (bytes: Buffer) => {
    count(bytes.length);
    const sentBytes = sendNow(to, bytes);
    if (sentBytes === bytes.length) return;
    const rest = bytes.subarray(sentBytes);
    if (to.destroyed || to.write(isReused ? Buffer.from(rest) : rest)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.resume();
}
