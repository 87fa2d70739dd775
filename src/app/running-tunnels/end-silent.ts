import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { SilentDaemon } from '../../daemon/control/client.ts';
import { readAddress } from '../../daemon/control/socket-address.ts';
import { INSTALLED_HELPERS } from '../../intercept/install/installed-helper.ts';
import { startedTicksOf } from '../../intercept/rules/instance.ts';
import { peerCredentials, strangerAt } from '../../net/native/peer.ts';

/** How long a process that did not answer may take to end in order, in ms. It was waited for before. */
const ASKED_MS = 3_000;

/** How soon the kernel has ended a process that is killed, and the helper has removed the rules after it, in ms. */
const KILLED_MS = 5_000;

const POLL_MS = 50;

/** A process, and when it has started: its number may be another's by and by. */
interface Process {
  readonly pid: number;
  readonly startedTicks: string | undefined;
}

/**
 * Ends a process that does not answer, because it is stopped (SIGSTOP), blocked or of another version, with all its tunnels: it is
 * asked to by SIGTERM, continued in case that it was stopped, and killed where it does not end within 3 s. Waits for its helper, which
 * removes the rules.
 *
 * @returns how it has ended
 * @throws TshuttleError ERR_CLEANUP when it or its helper is still there; ERR_INTERNAL when it is not known to be this user's
 */
export async function endSilent({ path }: Pick<SilentDaemon, 'path'>): Promise<'ended' | 'killed'> {
  const pid = await listenerAt(path);
  if (pid === undefined) return 'ended';
  const all = [processOf(pid), ...helpersOf(pid).map(processOf)];
  const [main] = all as [Process];
  signal(pid, 'SIGTERM');
  signal(pid, 'SIGCONT');
  const hasEnded = await untilGone([main], ASKED_MS);
  if (!hasEnded) signal(pid, 'SIGKILL');
  if (await untilGone(all, KILLED_MS)) return hasEnded ? 'ended' : 'killed';
  const left = all.filter(isThere).map((one) => one.pid);
  throw new TshuttleError('ERR_CLEANUP', `still there after SIGKILL to process ${pid}: ${left.join(', ')}`, {
    remedy: 'to be sure of the rules: tshuttle cleanup',
  });
}

/** Whether a process has a file open: the log of a tunnel that is its own. */
export function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    const file = statSync(path);
    return readdirSync(folder).some((descriptor) => {
      const other = statSync(`${folder}/${descriptor}`, { throwIfNoEntry: false });
      return other?.dev === file.dev && other.ino === file.ino;
    });
  } catch {
    return false; // one of the two is gone, or somebody else's
  }
}

/**
 * The process behind a control socket, as the kernel says now: what it has said of itself does not count.
 *
 * @returns undefined when it has ended meanwhile
 */
async function listenerAt(path: string): Promise<number | undefined> {
  let socket: Socket | undefined;
  try {
    const address = readAddress(path);
    socket = connect(address.path);
    await once(socket, 'connect');
    return address.pipe?.pid ?? ownPeerOf(socket, path);
  } catch (error) {
    if (['ECONNREFUSED', 'ENOENT'].includes(systemCodeOf(error) ?? '')) return undefined;
    throw error;
  } finally {
    socket?.destroy();
  }
}

function ownPeerOf(socket: Socket, path: string): number {
  const peer = strangerAt(socket) === undefined ? peerCredentials(socket)?.pid : undefined;
  // 0 is a process that this one cannot see, and 1 never a tunnel's.
  if (peer !== undefined && peer > 1) return peer;
  throw new TshuttleError('ERR_INTERNAL', `it is not to be seen which process listens at ${path}`, {
    remedy: `find it and end it: ${systemWords().whoHasOpen(path)}`,
  });
}

/** The children that hold the rules, or sudo that runs one: proc(5), `children`; none where the system does not tell. */
function helpersOf(pid: number): number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number).filter(Boolean);
  return children.filter((child) => {
    const words = textOf(`/proc/${child}/cmdline`).split('\0');
    return words.some((word) => INSTALLED_HELPERS.includes(word) || word.endsWith('/tshuttle-helper'));
  });
}

function processOf(pid: number): Process {
  return { pid, startedTicks: startedTicksOf(textOf(`/proc/${pid}/stat`)) };
}

function isThere({ pid, startedTicks }: Process): boolean {
  if (process.platform === 'linux')
    return startedTicks !== undefined && processOf(pid).startedTicks === startedTicks;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

async function untilGone(processes: readonly Process[], deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (processes.some(isThere)) {
    if (performance.now() > end) return false;
    await delay(POLL_MS);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // Windows has no SIGCONT.
    if (!['ESRCH', 'ERR_UNKNOWN_SIGNAL'].includes(systemCodeOf(error) ?? '')) throw error;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended
  }
}
