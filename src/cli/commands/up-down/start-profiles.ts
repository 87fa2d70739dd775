import { EXIT_INTERRUPTED } from '../../../app/exit-code.ts';
import { overlapWarnings } from '../../../app/keep-up/overlap-warnings.ts';
import { withClouds } from '../../../app/openstack/profile-clouds.ts';
import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { RunningTunnels } from '../../../app/running-tunnels/running-tunnels.ts';
import { sudoWarnings, surroundingsOf } from '../../../app/running-tunnels/user-folders.ts';
import { loadTargets } from '../../../config/profiles/load-gates.ts';
import {
  type LoadedProfiles,
  loadProfiles,
  type Profile,
  type ProfileSurroundings,
} from '../../../config/profiles/load-profiles.ts';
import { hostOfTarget } from '../../../config/profiles/target-options.ts';
import { renderProblem } from '../../../core/problem.ts';
import { profilePaths } from '../../../daemon/files/paths.ts';
import type { TunnelOrder, TunnelOutcome } from '../../../daemon/start/protocol.ts';
import { startDaemon } from '../../../daemon/start/start-daemon.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import type { NamedTunnels } from '../../command/profile-names.ts';
import { fitError } from '../../command/report.ts';
import { printFitted } from '../../rendering/fit-lines.ts';
import { hostInForeground } from '../../running/run-tunnel.ts';
import { terminalOf } from '../../running/surroundings.ts';
import { upInBackground } from '../../running/up-line.ts';

/** The outcome for a name. */
interface Started {
  readonly name: string;
  readonly state: 'up' | 'was-up' | 'failed';
  readonly captured: string | null;
  readonly pid: number | null;
  readonly logFile: string | null;
  readonly exitCode: number;
}

/**
 * Starts the tunnels of profiles, those that are not up yet, in one process.
 *
 * @returns the exit code: that of the first that could not be started
 */
export async function startProfiles(
  input: NamedTunnels & {
    readonly foreground?: boolean;
    /** As if each profile said `quiet: true`. */
    readonly quiet?: true;
    readonly replace?: boolean;
    /** Those whose bastion this target is. */
    readonly target?: string;
  },
  session: CommandSession,
): Promise<number> {
  const { process: context, print, refuse } = session;
  const surroundings = surroundingsOf(context.environment);
  const { profiles, problems, warnings } = await withClouds(
    input.target === undefined
      ? loadProfiles(input.names, profileSurroundingsOf(context.environment))
      : profilesThrough(input.target, input.names, profileSurroundingsOf(context.environment)),
    context.environment,
  );
  if (problems.length > 0) return await refuse('ERR_CONFIG', problems);
  for (const warning of [...sudoWarnings(context.environment), ...warnings])
    process.stderr.write(fitError(`tshuttle: ${renderProblem(warning)}\n`));

  const running = await RunningTunnels.find(surroundings);
  const started: Started[] = [];
  const orders: TunnelOrder[] = [];
  try {
    for (const profile of profiles) {
      const found = running.named(profile.name);
      const silent =
        input.replace === true && found === undefined
          ? await running.silentNamed(profile.name, surroundings)
          : undefined;
      if (silent !== undefined)
        await (await import('../../../app/running-tunnels/end-silent.ts')).endSilent(silent);
      if (found === undefined || found.report.profileFile === null)
        orders.push(orderOf(profile, input.quiet));
      else if (input.replace === true) {
        await found.client.ask({ type: 'down', name: profile.name });
        orders.push(orderOf(profile, input.quiet));
      } else {
        const { captured, logFile } = found.report;
        const { pid } = found.client.daemon;
        started.push({ name: profile.name, state: 'was-up', captured, pid, logFile, exitCode: 0 });
      }
    }
    for (const line of await overlapWarnings(
      profiles,
      running.all.map(({ report }) => report),
    ))
      process.stderr.write(fitError(`tshuttle: ${line}\n`));
  } finally {
    running.close();
  }
  if (input.foreground === true) return await hostInForeground(orders, session);
  if (orders.length > 0) {
    const { script, environment, stop } = context;
    const start = await startDaemon(orders, {
      script,
      environment,
      signal: stop.signal,
      asker: terminalOf(context),
    });
    if (start.kind === 'stopped') return EXIT_INTERRUPTED;
    if (start.kind === 'ended') return start.exitCode === 0 ? EXIT_INTERRUPTED : start.exitCode;
    for (const outcome of start.outcomes) {
      const { logFile } = profilePaths(outcome.name, surroundings);
      started.push(startedOf(outcome, start.pid, logFile));
    }
  }
  if (input.json) print(`${JSON.stringify(started)}\n`);
  else {
    const isQuiet = (name: string): boolean =>
      input.quiet === true || profiles.find((profile) => profile.name === name)?.config.quiet === true;
    for (const one of started.filter(({ name }) => !isQuiet(name))) printFitted(print)(describeStarted(one));
  }
  return started.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0;
}

/** The profiles whose bastion a target is; with names, those of them. */
export function profilesThrough(
  name: string,
  names: readonly string[],
  surroundings: ProfileSurroundings,
): LoadedProfiles {
  const target = loadTargets(surroundings).get(name);
  const loaded = loadProfiles(names.length === 0 ? 'all' : names, surroundings);
  if (loaded.problems.length > 0) return loaded;
  const problem = (what: string): LoadedProfiles => ({
    ...loaded,
    profiles: [],
    problems: [{ where: name, what }],
  });
  if (target === undefined) return problem('is not a target; tshuttle target list has them');
  const { id } = hostOfTarget(target);
  const profiles = loaded.profiles.filter(({ config }) => config.remote.host === id);
  return profiles.length === 0
    ? problem(`is the bastion of no profile; write one with remote: ${name} into config.yaml`)
    : { ...loaded, profiles };
}

function orderOf({ name, file, config }: Profile, quiet: boolean = config.quiet): TunnelOrder {
  return { name, profileFile: file, config: { ...config, quiet } };
}

function startedOf({ name, captured, exitCode }: TunnelOutcome, pid: number, logFile: string): Started {
  return captured === null
    ? { name, state: 'failed', captured, pid: null, logFile: null, exitCode }
    : { name, state: 'up', captured, pid, logFile, exitCode };
}

function describeStarted({ name, state, captured, pid, logFile }: Started): string {
  switch (state) {
    case 'failed':
      return '';
    case 'was-up':
      return `tshuttle: ${name} is up already, process id ${pid}; stop it with: tshuttle down ${name}\n`;
    case 'up':
      return `tshuttle: ${name} is ${upInBackground(captured ?? '', { pid, logFile, name })}\n`;
  }
}
