import type { Socket } from 'node:net';

/** What has passed so far; the relay writes, others read. */
export interface RelayProgress {
  bytesUp: number;
  bytesDown: number;
}

/** How two joined sockets ended: each direction with its end, or one of them failed. */
export type RelayEnd =
  | { readonly kind: 'eof' }
  | { readonly kind: 'reset'; readonly by: 'accepted' | 'outgoing'; readonly detail: string };

/**
 * Joins an accepted socket to another until both are closed. Each direction ends by itself; a failure of one is a reset of the
 * other. Both are half-open capable, and owned from now on. Never rejects.
 */
export function relay(accepted: Socket, outgoing: Socket, progress: RelayProgress): Promise<RelayEnd> {
  const gone = accepted.destroyed ? 'accepted' : outgoing.destroyed ? 'outgoing' : undefined;
  if (gone !== undefined) {
    accepted.destroy();
    outgoing.resetAndDestroy();
    return Promise.resolve({ kind: 'reset', by: gone, detail: 'closed before it was joined' });
  }
  return new Promise((resolve) => {
    let end: RelayEnd = { kind: 'eof' };
    let open = 2;
    const join = (from: Socket, to: Socket, by: 'accepted' | 'outgoing'): void => {
      from.on('data', ({ length }: Buffer) => {
        if (by === 'accepted') progress.bytesUp += length;
        else progress.bytesDown += length;
      });
      from.on('error', ({ message }) => {
        if (end.kind === 'eof') end = { kind: 'reset', by, detail: message };
        to.resetAndDestroy();
      });
      from.on('close', () => {
        // One that is gone before its end, as by a reset of ours, leaves nothing to wait for.
        if (!from.readableEnded && !to.destroyed) to.resetAndDestroy();
        open -= 1;
        if (open === 0) resolve(end);
      });
      from.pipe(to);
    };
    join(accepted, outgoing, 'accepted');
    join(outgoing, accepted, 'outgoing');
  });
}
