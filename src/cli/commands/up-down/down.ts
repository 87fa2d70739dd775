import type { ProcessContext } from '../../../app/process-context.ts';
import { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import type { SilentDaemon } from '../../../daemon/control/client.ts';
import type { DaemonSurroundings } from '../../../daemon/files/paths.ts';

/** The outcome for a name, or for a process that did not answer. */
export interface Downed {
  readonly name: string;
  readonly state: 'down' | 'was-down' | 'killed' | 'unknown' | 'failed';
  /** One line for people, where all is well. */
  readonly line: string;
  readonly failure?: unknown;
}

/** Ends the named tunnels, or all of this user; what does not answer is ended as a process. */
export async function endTunnels(
  names: readonly string[] | 'all',
  environment: ProcessContext['environment'],
): Promise<readonly Downed[]> {
  const surroundings = surroundingsOf(environment);
  const running = await RunningTunnels.find(surroundings);
  try {
    const wanted = names === 'all' ? running.all.map(({ report }) => report.name) : names;
    const silent = names === 'all' ? running.silent.filter(({ isOwn }) => isOwn) : [];
    // Those of one process, and one process of several names, once.
    const processes = new Map<string, Promise<Downed>>();
    const endOnce = (daemon: SilentDaemon, name: string): Promise<Downed> => {
      const ending = processes.get(daemon.path) ?? endProcess(daemon, name);
      processes.set(daemon.path, ending);
      return ending.then((downed) => ({ ...downed, name }));
    };
    return await Promise.all([
      ...wanted.map((name) => endTunnel(name, running, { environment, surroundings, endOnce })),
      ...silent.map((daemon) => endOnce(daemon, nameOf(daemon))),
    ]);
  } finally {
    running.close();
  }
}

async function endTunnel(
  name: string,
  running: RunningTunnels,
  context: {
    readonly environment: ProcessContext['environment'];
    readonly surroundings: DaemonSurroundings;
    readonly endOnce: (daemon: SilentDaemon, name: string) => Promise<Downed>;
  },
): Promise<Downed> {
  const found = running.named(name);
  if (found !== undefined) {
    try {
      await found.client.ask({ type: 'down', name });
      return { name, state: 'down', line: `${name} is down` };
    } catch (failure) {
      return { name, state: 'failed', line: '', failure };
    }
  }
  const silent = await running.silentNamed(name, context.surroundings);
  if (silent !== undefined) return await context.endOnce(silent, name);
  const { findAbsent } = await import('../../../app/running-tunnels/unknown-tunnel.ts');
  const absent = findAbsent(name, {
    command: 'down',
    up: running.names,
    environment: context.environment,
  });
  return absent.kind === 'unknown'
    ? { name, state: 'unknown', line: '', failure: absent.error }
    : { name, state: 'was-down', line: `${name} is down already` };
}

async function endProcess(daemon: SilentDaemon, name: string): Promise<Downed> {
  const { endSilent } = await import('../../../app/running-tunnels/end-silent.ts');
  try {
    const state = (await endSilent(daemon)) === 'killed' ? 'killed' : 'down';
    const how = state === 'killed' ? 'was killed' : 'has ended';
    const line = `${nameOf(daemon)} ${how} with all its tunnels, and its rules are gone: ${daemon.reason}`;
    return { name, state, line };
  } catch (failure) {
    return { name, state: 'failed', line: '', failure };
  }
}

function nameOf({ pid, path }: SilentDaemon): string {
  return pid === undefined ? path : `process ${pid}`;
}
