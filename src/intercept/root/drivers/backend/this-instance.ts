import { readFileSync, readlinkSync } from 'node:fs';
import { formatInstance, type Instance, parseInstance, startedTicksOf } from '../../../rules/instance.ts';
import { RefusedError } from './rule-backend.ts';

/** Without /proc no instance can be judged. */
const UNKNOWN_NAMESPACE = '0';

function thisInstance(): Instance {
  return {
    pid: process.pid,
    startedTicks: startedTicksOfPid(process.pid) ?? '0',
    pidNamespace: pidNamespace(),
  };
}

/**
 * Whether the instance that wrote `text` still runs. `unknown` when it counts its pids in another namespace, or when
 * there is no such text: what cannot be judged is not ours to remove.
 */
export function judgeInstance(text: string | undefined): 'alive' | 'dead' | 'unknown' {
  const instance = text === undefined ? undefined : parseInstance(text);
  const ours = pidNamespace();
  if (instance === undefined || ours === UNKNOWN_NAMESPACE || instance.pidNamespace !== ours)
    return 'unknown';
  return startedTicksOfPid(instance.pid) === instance.startedTicks ? 'alive' : 'dead';
}

/**
 * What an instance that runs holds is not replaced by another one.
 *
 * @param holder the one that rules of the same name say they are of
 * @throws RefusedError when it is another, and runs
 */
export function mustNotLive(holder: string | undefined, ours: string): void {
  if (holder === undefined || holder === ours || judgeInstance(holder) !== 'alive') return;
  const { pid } = parseInstance(holder)!;
  throw new RefusedError(
    `another tunnel of this user has rules for a listener of this port (process ${pid})`,
  );
}

/** {@link formatInstance} of this process. */
export function thisInstanceText(): string {
  return formatInstance(thisInstance());
}

function startedTicksOfPid(pid: number): string | undefined {
  try {
    return startedTicksOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The number in `pid:[4026531836]`. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? UNKNOWN_NAMESPACE;
  } catch {
    return UNKNOWN_NAMESPACE;
  }
}
