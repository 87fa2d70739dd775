import { createServer } from 'node:net';
import { systemCodeOf } from '../../core/errors.ts';

/** What ends the hold of a {@link lockOnMachine}. Idempotent. */
export type ReleaseLock = () => void;

/**
 * Holds a name that one process of this machine (of its network namespace) has at a time, of any user: nothing is left behind
 * when the process ends, also after SIGKILL. The name is that of an abstract unix socket (unix(7)), which nobody is served by.
 *
 * @returns undefined when another has it. Where there are no such sockets (Node.js before 20.12) everybody has it.
 */
export function lockOnMachine(name: string): Promise<ReleaseLock | undefined> {
  return new Promise((resolve) => {
    const server = createServer((connection) => {
      connection.on('error', () => {});
      connection.destroy();
    });
    server.on('error', (error) => resolve(systemCodeOf(error) === 'EADDRINUSE' ? undefined : () => {}));
    server.listen({ path: `\0tshuttle ${name}`, backlog: 1 }, () =>
      resolve(() => {
        server.close();
      }),
    );
    server.unref();
  });
}
