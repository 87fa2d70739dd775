import { resolve } from 'node:path';
import { EXIT_INTERRUPTED } from '../../app/exit-code.ts';
import { type HostContext, hostTunnels } from '../../app/hosting/host-tunnels.ts';
import { readProfile } from '../../app/hosting/read-profile.ts';
import { localOverlaps } from '../../app/keep-up/overlap-warnings.ts';
import { whyNoSyslog } from '../../app/log/syslog-sink.ts';
import type { ProcessContext } from '../../app/process-context.ts';
import { surroundingsOf } from '../../app/running-tunnels/user-folders.ts';
import type { Config } from '../../config/config.ts';
import { START_FOLDER } from '../../core/files/start-folder.ts';
import { type Problem, renderProblem } from '../../core/problem.ts';
import {
  type DaemonPaths,
  type DaemonSurroundings,
  daemonPaths,
  profilePaths,
  tunnelNameOf,
} from '../../daemon/files/paths.ts';
import { alreadyRunning } from '../../daemon/files/pid-file.ts';
import { ServiceNotifier } from '../../daemon/service/service-notifier.ts';
import { meetLauncher } from '../../daemon/start/become-daemon.ts';
import type { Asker, TunnelOrder, TunnelOutcome } from '../../daemon/start/protocol.ts';
import { startDaemon } from '../../daemon/start/start-daemon.ts';
import { forbidCoreFiles } from '../../net/machine/core-limit.ts';
import type { CommandSession } from '../command/command-definition.ts';
import type { Parts } from '../command/parts.ts';
import { printFitted } from '../rendering/fit-lines.ts';
import { progressLine } from '../rendering/progress-line.ts';
import { readVersion } from '../version.ts';
import type { SavedProfile } from './save-when-up.ts';
import { prepare, terminalOf } from './surroundings.ts';
import { upInBackground } from './up-line.ts';

/**
 * Does with a tunnel what its configuration says: runs it here or as a daemon, or only shows its rules.
 *
 * @param saved the profile that the tunnel is the first of; it is saved once it is up, wherever it runs
 * @returns the exit code
 */
export async function runTunnel(
  config: Config,
  warnings: readonly Problem[],
  session: Pick<CommandSession, 'process' | 'parts' | 'print'>,
  saved?: SavedProfile,
): Promise<number> {
  const { process: context, parts, print } = session;
  const { logger, tunnelContext } = prepare(config, context, parts);
  for (const warning of warnings) logger.warn(renderProblem(warning));
  for (const overlap of localOverlaps(config)) logger.warn(overlap);
  const order: TunnelOrder =
    saved === undefined
      ? { name: tunnelNameOf(config), profileFile: null, config }
      : { name: saved.name, profileFile: saved.file, config };
  switch (config.mode.kind) {
    case 'dry-run': {
      const { dryRun } = await import('./dry-run.ts');
      await dryRun(config, {
        ...tunnelContext,
        logger,
        signal: context.stop.signal,
        environment: context.environment,
        print,
      });
      return 0;
    }
    case 'foreground':
      return await hostInForeground([order], session, saved?.save);
    case 'daemon': {
      const { script, environment, stop } = context;
      if (saved === undefined) await refuseSecond(config, environment);
      const start = await startDaemon([order], {
        script,
        environment,
        signal: stop.signal,
        asker: terminalOf(context),
      });
      if (start.kind === 'stopped') return EXIT_INTERRUPTED;
      if (start.kind === 'ended') return start.exitCode === 0 ? EXIT_INTERRUPTED : start.exitCode;
      const { logFile } = pathsOf(order, surroundingsOf(environment));
      const { pid, outcomes } = start;
      const [outcome] = outcomes;
      if (outcome !== undefined && !config.quiet)
        printFitted(print)(
          `tshuttle: ${upInBackground(outcome.captured ?? '', { pid, logFile, name: order.name })}\n`,
        );
      await saved?.save().catch(context.reportFailure);
      return 0;
    }
  }
}

/**
 * The pidfile shows a second daemon where both have the same state folder; cron and a terminal may not, and then the first is
 * found by its control socket.
 *
 * @throws TshuttleError ERR_ALREADY_RUNNING
 */
async function refuseSecond(config: Config, environment: ProcessContext['environment']): Promise<void> {
  if (config.mode.kind !== 'daemon' || config.mode.pidFile !== undefined) return;
  const surroundings = surroundingsOf(environment);
  const { logFile } = daemonPaths(config, surroundings);
  const { RunningTunnels } = await import('../../app/running-tunnels/running-tunnels.ts');
  const running = await RunningTunnels.find(surroundings);
  running.close();
  const name = tunnelNameOf(config);
  const first = running.all.find(
    ({ report }) =>
      report.name === name &&
      report.profileFile === null &&
      report.logFile !== null &&
      report.logFile !== logFile,
  );
  if (first === undefined) return;
  throw alreadyRunning(name, first.client.daemon.pid, `log ${first.report.logFile}`);
}

/** Runs tunnels in this process, with its terminal or for a service manager, until their end. @returns the exit code */
export async function hostInForeground(
  orders: readonly TunnelOrder[],
  { process: context, parts, print }: Pick<CommandSession, 'process' | 'parts' | 'print'>,
  onUp: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const service = ServiceNotifier.fromEnvironment(context.environment);
  void context.stop.requested.then(() => service?.stopping());
  try {
    return await hostTunnels(orders, {
      ...hostContext(context, parts),
      pathsOf: undefined,
      onReady: async (outcomes) => {
        const captured = outcomes.flatMap((outcome) => outcome.captured ?? []);
        for (const line of upInForeground(orders, outcomes)) printFitted(print)(`tshuttle: ${line}\n`);
        service?.ready(captured.join('; '));
        await onUp().catch(context.reportFailure);
      },
    });
  } finally {
    service?.close();
  }
}

/** A line for each that is up, and is not to be quiet; the last says how to end them. */
function upInForeground(
  orders: readonly TunnelOrder[],
  outcomes: readonly TunnelOutcome[],
): readonly string[] {
  const quiet = orders.filter(({ config }) => config.quiet).map(({ name }) => name);
  const up = outcomes.filter(({ name, captured }) => captured !== null && !quiet.includes(name));
  const lines = up.map(({ name, captured }) =>
    orders.length === 1 ? `${captured}` : `${name} is ${captured}`,
  );
  const names = up.map(({ name }) => name).join(' ');
  // Where no terminal sends Ctrl-C, as under a service manager, it is ended by its name.
  const stop = process.stdin.isTTY === true ? 'stop it with Ctrl-C' : `stop it with: tshuttle down ${names}`;
  return lines.map((text, index) => (index === lines.length - 1 ? `${text}; ${stop}` : text));
}

/** This process was started by {@link startDaemon}. @returns the exit code */
export async function runDaemon(context: ProcessContext, parts: Parts): Promise<number> {
  leaveStartFolder(context.environment);
  forbidCoreFiles();
  const launcher = await meetLauncher(() => context.stop.request(EXIT_INTERRUPTED));
  const host = hostContext(context, parts, launcher.asker);
  return await hostTunnels(launcher.tunnels, {
    ...host,
    pathsOf: (order) => pathsOf(order, host.surroundings),
    onReady: (outcomes) => {
      // Nothing may be left of it when the command has the terminal again.
      progressLine.silence();
      return launcher.detach(outcomes);
    },
  });
}

/** The files of a tunnel in the background. */
function pathsOf({ name, profileFile, config }: TunnelOrder, surroundings: DaemonSurroundings): DaemonPaths {
  return profileFile === null ? daemonPaths(config, surroundings) : profilePaths(name, surroundings);
}

/** Paths in the environment that programs take as they are. */
const PATH_VARIABLES = ['SSH_AUTH_SOCK', 'SSH_ASKPASS', 'OS_CLIENT_CONFIG_FILE', 'OS_CACERT'] as const;

/**
 * A daemon stays in no folder that the user may want to unmount. The command has made the paths of its words absolute; what
 * the environment has follows here (native-notes/daemonise.md).
 */
function leaveStartFolder(environment: ProcessContext['environment']): void {
  for (const name of PATH_VARIABLES) {
    const path = environment[name];
    if (path?.includes('/') === true) environment[name] = resolve(START_FOLDER, path);
  }
  process.chdir('/');
}

function hostContext(
  context: ProcessContext,
  parts: Parts,
  asker?: Asker,
): Omit<HostContext, 'pathsOf' | 'onReady'> {
  return {
    process: context,
    surroundings: surroundingsOf(context.environment),
    version: readVersion(),
    prepare: (config, name) => {
      const prepared = prepare(config, context, parts, { name, asker });
      const noSyslog = config.syslog ? whyNoSyslog() : undefined;
      if (noSyslog !== undefined) prepared.logger.warn(`--syslog has no effect: ${noSyslog}`);
      return prepared;
    },
    readProfile: (order) => readProfile(order, context.environment),
  };
}
