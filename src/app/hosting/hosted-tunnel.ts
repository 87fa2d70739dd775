import type { Config } from '../../config/config.ts';
import { deferred } from '../../core/deferred.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { ControlledTunnel, Person } from '../../daemon/control/control-target.ts';
import type { ReloadReport, TunnelReport } from '../../daemon/control/protocol.ts';
import type { DaemonPaths } from '../../daemon/files/paths.ts';
import { PidFile } from '../../daemon/files/pid-file.ts';
import { makePrivateFolder } from '../../daemon/files/private-folder.ts';
import { RotatingFile } from '../../daemon/files/rotating-file.ts';
import type { TunnelOrder } from '../../daemon/start/protocol.ts';
import type { HostPort } from '../../net/address/endpoint.ts';
import { openEvents } from '../events/open-events.ts';
import type { TunnelEvents } from '../events/tunnel-events.ts';
import { exitCodeOf } from '../exit-code.ts';
import { type RunningTunnel, type UpContext, up } from '../keep-up/keep-up.ts';
import { openAsApplication } from '../keep-up/open-as-application.ts';
import { cloudProbe, waitUntilCarrying, waitUntilReached } from '../keep-up/reach-probe.ts';
import { bastionKey, catalogKey, namespaceKey, programsKey } from '../keep-up/same-tunnel.ts';
import { logFailure, sinkFor } from '../log/logging.ts';
import type { Prepared } from '../prepared.ts';
import { Stop } from '../stop.ts';
import { reloadTunnel } from './reload.ts';
import { reportedMaps, reportedNames, reportedRules } from './reported-rules.ts';

/** How a tunnel ended: undefined when it was asked to. */
export interface TunnelEnd {
  readonly exitCode: number;
  readonly failure: unknown;
}

/** The parts of the process that a {@link HostedTunnel} uses. */
export interface HostedTunnelContext {
  readonly prepared: Prepared;
  /** Undefined for a tunnel in the foreground, which has no files. */
  readonly paths: DaemonPaths | undefined;
  /** Reads the profile anew. @throws TshuttleError ERR_CONFIG with all that is wrong */
  readonly readProfile: (order: TunnelOrder) => Promise<Config>;
  /** Tells of a failure as long as the tunnel does not log to its own file. */
  readonly reportFailure: (thrown: unknown) => void;
}

/**
 * One tunnel of a process that may have several: its files, its log, its end.
 *
 *     made ──claim()──> claimed ──open()──> opening ──carries──> up ──down(), lost──> ended
 *                          └──release()────────└───refused, down()──────────────────────┘
 */
export class HostedTunnel implements ControlledTunnel {
  readonly order: TunnelOrder;
  readonly #context: HostedTunnelContext;
  readonly #stop = new Stop();
  #config: Config;
  #running: RunningTunnel | undefined;
  #events: TunnelEvents | undefined;
  #log: RotatingFile | undefined;
  #pidFile: PidFile | undefined;
  #end: Promise<TunnelEnd> | undefined;
  #opened: Promise<TunnelEnd | undefined> | undefined;
  #logsToFile = false;

  constructor(order: TunnelOrder, context: HostedTunnelContext) {
    this.order = order;
    this.#config = order.config;
    this.#context = context;
  }

  get name(): string {
    return this.order.name;
  }

  /** What is captured, and by what; undefined until that is so. */
  get captured(): string | undefined {
    return this.#running?.tunnel.readyLine;
  }

  /**
   * Takes its files, so that problems with them are reported before a password is asked for.
   *
   * @throws TshuttleError ERR_ALREADY_RUNNING, ERR_CONFIG
   */
  claim(): void {
    const { paths } = this.#context;
    if (paths === undefined) return;
    for (const folder of paths.privateFolders) makePrivateFolder(folder);
    const log = new RotatingFile(paths.logFile);
    try {
      this.#pidFile = PidFile.claim(paths.pidFile);
      this.#log = log;
    } catch (error) {
      log.close();
      throw error;
    }
    this.#tellOfDead();
  }

  /** On the terminal, and in the log, which has no other word of it. */
  #tellOfDead(): void {
    const pid = this.#pidFile?.deadPid;
    if (pid === undefined) return;
    this.#context.prepared.logger.warn(
      `the process that had this tunnel before (${pid}) ended without a word: it was killed, the machine went off, or it hung for 5 s ` +
        `of processor time (SIGVTALRM); how its log ends: tshuttle logs ${this.name}`,
    );
  }

  /** Opens it. @returns how it ended, if it did before it carried */
  async open(): Promise<TunnelEnd | undefined> {
    const ready = deferred<undefined>();
    this.#end = this.#run(async (running) => {
      this.#running = running;
      ready.resolve(undefined);
    });
    this.#opened = Promise.race([ready.promise, this.#end]);
    return await this.#opened;
  }

  /** Logs to its file from now on. */
  leaveTerminal(): void {
    const { output, loggers } = this.#context.prepared;
    if (this.#log === undefined) return;
    output.moveTo(sinkFor(this.#config.logFormat, this.#log, { onTerminal: false }));
    this.#logsToFile = true;
    this.#tellOfDead();
    loggers.milestones.info(`up: ${this.captured}`);
  }

  /** Logs a failure of the whole process. */
  logFailure(thrown: unknown): void {
    logFailure(this.#context.prepared.logger, thrown);
  }

  /** Opens the log anew, after it was moved away. */
  reopenLog(): void {
    this.#log?.reopen();
  }

  /** Requests its end. @param failure as of {@link Stop.failure} */
  stop(exitCode: number, failure?: unknown): void {
    this.#stop.request(exitCode, failure);
  }

  /** Resolves, never rejects, when it is gone. Not before {@link HostedTunnel.open}. */
  async ended(): Promise<TunnelEnd> {
    return await this.#end!;
  }

  report(): TunnelReport {
    return {
      name: this.name,
      profileFile: this.order.profileFile,
      bastionKey: bastionKey(this.#config),
      catalogKey: catalogKey(this.#config),
      programs: programsKey(this.#config),
      namespace: namespaceKey(this.#config),
      logFile: this.#context.paths?.logFile ?? null,
      captured: this.captured ?? null,
      ...reportedRules(this.#running?.rules() ?? []),
      names: reportedNames(this.#config.dns),
      eventProblems: this.#events?.problems ?? [],
      maps: reportedMaps(this.#config.maps),
      status: this.#running?.tunnel.status() ?? null,
    };
  }

  async checkCapture(): Promise<void> {
    await this.#running?.tunnel.checkCapture();
  }

  flows(limit: number) {
    return this.#running?.tunnel.flows(limit) ?? [];
  }

  endings(limit: number) {
    return this.#running?.tunnel.endings(limit) ?? [];
  }

  async reach(place: HostPort | undefined, signal: AbortSignal): Promise<void> {
    await this.#opened;
    const { tunnel } = this.#mustRun();
    const { authHost } = this.#config.openstack ?? {};
    const way = { open: openAsApplication(tunnel, this.#config.dns?.zones) };
    if (place !== undefined) await waitUntilReached(way, place, signal);
    else if (authHost !== undefined) await waitUntilReached(way, cloudProbe(authHost), signal);
    else await waitUntilCarrying(tunnel, signal);
  }

  async down(): Promise<void> {
    this.stop(0);
    const { failure } = (await this.#end)!;
    if (failure instanceof Error) throw failure;
  }

  async reload(): Promise<ReloadReport> {
    if (this.order.profileFile === null) {
      throw new TshuttleError('ERR_USAGE', `${this.name} was started by a command line, not by a profile`, {
        remedy: 'end it with tshuttle down, and start it again',
      });
    }
    const running = this.#mustRun();
    const wanted = await this.#context.readProfile(this.order);
    const { report, config } = await reloadTunnel(running, this.#config, wanted);
    this.#config = config;
    this.#context.prepared.loggers.milestones.info('reloaded', { ...report });
    return report;
  }

  async login(person: Person, signal: AbortSignal): Promise<void> {
    const { tunnel } = this.#mustRun();
    signal.throwIfAborted();
    await tunnel.login({ available: true, mayAskAgain: true, ...person });
  }

  /** Gives its files back. Idempotent. */
  release(): void {
    this.#pidFile?.release();
    this.#log?.close();
    this.#pidFile = undefined;
    this.#log = undefined;
  }

  #mustRun(): RunningTunnel {
    if (this.#running !== undefined) return this.#running;
    throw new TshuttleError('ERR_USAGE', `${this.name} is not up yet`);
  }

  async #run(onReady: UpContext['onReady']): Promise<TunnelEnd> {
    const { prepared, reportFailure } = this.#context;
    try {
      const { name } = this;
      const isWatched = process.stderr.isTTY === true;
      const events = await openEvents(this.#config, { name, isWatched }, prepared.logger);
      this.#events = events;
      const context = { ...prepared.tunnelContext, stop: this.#stop, name, onReady, events };
      const exitCode = await up(this.#config, context);
      if (this.#logsToFile) prepared.loggers.milestones.info('stopped as asked');
      return { exitCode, failure: undefined };
    } catch (failure) {
      if (this.#logsToFile) logFailure(prepared.logger, failure);
      else reportFailure(failure);
      return { exitCode: exitCodeOf(failure), failure };
    } finally {
      this.#running = undefined;
      this.release();
    }
  }
}
