import type { Server } from 'node:net';
import { systemCodeOf } from '../../core/errors.ts';

/** How often a port that is not free for all that is to have it is given back and another one tried. */
const ATTEMPTS = 16;

/** A socket or a server. */
export interface Closable {
  close(): unknown;
}

/**
 * Opens several sockets at one port: those of both families, or of UDP and TCP. A free port that the kernel has chosen for the
 * first may be another program's for the next; then all are closed, and another port is tried.
 *
 * @param port 0 is a free one of the kernel's choice; any other is tried once
 * @param open adds what it opens to `opened` before it goes on, which is closed when it rejects
 * @throws what `open` has rejected with last
 */
export async function onOnePort<T>(port: number, open: (opened: Closable[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const opened: Closable[] = [];
    try {
      return await open(opened);
    } catch (error) {
      closeAll(opened);
      const anotherMayDo = port === 0 && systemCodeOf(error) === 'EADDRINUSE';
      if (!anotherMayDo || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** Closes each; does not wait for a server's 'close', which waits for every accepted socket: those belong to their flows. */
export function closeAll(opened: readonly Closable[]): void {
  for (const one of opened) one.close();
}

/** The port at which a server listens; 0 while it does not. */
export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Whether the system has refused an address because it has not its family, or has the family without that address. */
export function isWithoutFamily(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(systemCodeOf(error) ?? '');
}
