import { readFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { readKernelFile } from '../../core/files/kernel-file.ts';
import { type Endpoint, endpointOfBytes, sameEndpoint } from '../address/endpoint.ts';

/** TCP_ESTABLISHED and TCP_SYN_SENT of net/tcp_states.h, as /proc/net/tcp writes them. */
const CONNECTED_STATES: ReadonlySet<string> = new Set(['01', '02']);

/**
 * Where a process and its descendants are connected to by TCP now, as {@link connectionsOfProcessGroup}.
 *
 * @returns none where the system does not tell: not Linux, or processes of somebody else
 */
export async function connectionsOfProcessTree(root: number): Promise<Endpoint[]> {
  const parents = new Map<string, string>();
  for (const pid of await allProcesses()) parents.set(pid, (await fieldsOf(pid))[1] ?? '');
  const tree = new Set([String(root)]);
  for (let before = 0; before < tree.size; ) {
    before = tree.size;
    for (const [pid, parent] of parents) if (tree.has(parent)) tree.add(pid);
  }
  return await connectionsOf([...tree]);
}

/**
 * Where the processes of a process group are connected to by TCP now (proc(5), `/proc/PID/net/tcp`).
 *
 * @returns none where the system does not tell: not Linux, or processes of somebody else
 */
export async function connectionsOfProcessGroup(processGroup: number): Promise<Endpoint[]> {
  const members: string[] = [];
  for (const pid of await allProcesses()) {
    if (Number((await fieldsOf(pid))[2]) === processGroup) members.push(pid);
  }
  return await connectionsOf(members);
}

async function allProcesses(): Promise<string[]> {
  return (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
}

async function connectionsOf(pids: readonly string[]): Promise<Endpoint[]> {
  const found: Endpoint[] = [];
  for (const pid of pids) {
    const sockets = await socketsOf(pid);
    for (const table of ['tcp', 'tcp6']) {
      const text = await readKernelFile(`/proc/${pid}/net/${table}`);
      found.push(...remoteEndpoints(text, sockets));
    }
  }
  return found.filter((one, index) => found.findIndex((other) => sameEndpoint(one, other)) === index);
}

/** State, parent, process group. */
async function fieldsOf(pid: string): Promise<readonly string[]> {
  const status = await readKernelFile(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything: pid (name) state ppid pgrp.
  return status.slice(status.lastIndexOf(')') + 2).split(' ');
}

/** The inode numbers of a process's sockets. */
async function socketsOf(pid: string): Promise<ReadonlySet<string>> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')),
  );
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** The remote ends of the connections in a table of /proc/net/tcp or tcp6 whose socket is one of these. */
export function remoteEndpoints(table: string, sockets: ReadonlySet<string>): Endpoint[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      // sl local remote state queues timer retransmits uid timeout inode
      const [, , remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      if (!CONNECTED_STATES.has(state) || !sockets.has(inode)) return [];
      const [address = '', port = ''] = remote.split(':');
      return endpointOfBytes(bytesOf(address), Number.parseInt(port, 16)) ?? [];
    });
}

/** Words of four bytes as the processor has them: little-endian wherever tshuttle runs. */
function bytesOf(hexadecimal: string): Buffer {
  const bytes = Buffer.from(hexadecimal, 'hex');
  return bytes.length % 4 === 0 ? bytes.swap32() : bytes;
}

/** linux/sched.h: set before a process that ends, however it ends, closes the first of its descriptors. */
const PF_EXITING = 0x4;

/** `flags` of /proc/PID/stat, counted from `state`, which follows the name in brackets (proc(5)). */
const FLAGS_FIELD = 6;

/**
 * Whether a process is ending, so that what it had open may be closed already and it has not said so yet.
 *
 * @returns false where the system does not tell: not Linux, or a process that cannot be seen from here
 */
export function isExiting(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[FLAGS_FIELD]) & PF_EXITING) !== 0;
  } catch {
    return false;
  }
}
