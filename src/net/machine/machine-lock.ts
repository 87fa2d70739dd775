import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemCodeOf } from '../../core/errors.ts';
import { type ReleaseLock, takeFile } from './locked-file.ts';

/**
 * Holds a name that one process of this machine (of its network namespace) has at a time, of any user: nothing is left behind
 * when the process ends, also after SIGKILL. The name is that of an abstract unix socket (unix(7)), which nobody is served by. Where there
 * are none (other systems, and Node.js before 20.12) it is that of a file, which others than this user know nothing of.
 *
 * @param folder for the file: it is there
 * @returns undefined when another has it. Where nothing can be locked everybody has it.
 */
export async function lockOnMachine(name: string, folder: string): Promise<ReleaseLock | undefined> {
  const socket = process.platform === 'linux' ? await listenAs(name) : 'no sockets';
  if (socket === 'taken') return undefined;
  if (socket !== 'no sockets') return socket;
  try {
    return takeFile(join(folder, `${name.replaceAll('/', '-')}.lock`));
  } catch {
    return () => {};
  }
}

function listenAs(name: string): Promise<ReleaseLock | 'taken' | 'no sockets'> {
  return new Promise((resolve) => {
    const server = createServer((connection) => {
      connection.on('error', () => {});
      connection.destroy();
    });
    server.on('error', (error) => resolve(systemCodeOf(error) === 'EADDRINUSE' ? 'taken' : 'no sockets'));
    server.listen({ path: `\0tshuttle ${name}`, backlog: 1 }, () =>
      resolve(() => {
        server.close();
      }),
    );
    server.unref();
  });
}
