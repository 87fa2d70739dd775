import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { ControlClient, type SilentDaemon } from './client.ts';
import { whyDistrusted } from './trusted-folder.ts';

/** A hidden socket is renamed in the same moment; one that stays for so long was left by a process that died then. */
const HIDDEN_FOR_MS = 60_000;

/** Every daemon with a socket in these folders; what dead ones have left is removed. */
export async function findDaemons(
  folders: readonly string[],
): Promise<{ readonly clients: readonly ControlClient[]; readonly silent: readonly SilentDaemon[] }> {
  const clients: ControlClient[] = [];
  const silent: SilentDaemon[] = [];
  await Promise.all(
    folders
      .flatMap((folder) => socketsIn(folder, silent))
      .map(async (path) => {
        const found = await ControlClient.connect(path);
        if (found instanceof ControlClient) clients.push(found);
        else if (found !== undefined) silent.push(found);
      }),
  );
  clients.sort((a, b) => a.daemon.startedAtMs - b.daemon.startedAtMs);
  const distinct = clients.filter((client, index) => {
    const { pid, startedAtMs } = client.daemon;
    const first = clients.findIndex(({ daemon }) => daemon.pid === pid && daemon.startedAtMs === startedAtMs);
    // The same folder may have two names.
    if (first !== index) client.close();
    return first === index;
  });
  return { clients: distinct, silent };
}

/** @param silent told of a folder whose sockets are not asked, because they may be of others */
function socketsIn(folder: string, silent: SilentDaemon[]): string[] {
  try {
    const distrusted = whyDistrusted(folder);
    const names = readdirSync(folder);
    const sockets = names.filter((name) => /^[0-9a-f]{8}\.sock$/.test(name));
    if (distrusted !== undefined) {
      const reason = `what is there is not asked, because ${distrusted}`;
      if (sockets.length > 0) silent.push({ path: folder, pid: undefined, isOwn: false, reason });
      return [];
    }
    for (const name of names.filter((entry) => /^\.[0-9a-f]{8}\.new$/.test(entry))) {
      const path = join(folder, name);
      const status = statSync(path, { throwIfNoEntry: false });
      if (status !== undefined && Date.now() - status.ctimeMs > HIDDEN_FOR_MS) rmSync(path, { force: true });
    }
    return sockets.map((name) => join(folder, name));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new TshuttleError('ERR_CONFIG', `cannot read ${folder}: ${messageOf(error)}`, {
      remedy: `give it to this user: sudo chown -R ${process.geteuid?.()} ${folder}`,
      cause: error,
    });
  }
}
