import type { Config } from '../../config/config.ts';
import { messageOf } from '../../core/errors.ts';
import type { ControlTarget } from '../../daemon/control/control-target.ts';
import { ControlServer } from '../../daemon/control/server.ts';
import {
  controlFoldersOf,
  type DaemonPaths,
  type DaemonSurroundings,
  stateFolderOf,
} from '../../daemon/files/paths.ts';
import type { TunnelOrder, TunnelOutcome } from '../../daemon/start/protocol.ts';
import { EXIT_INTERRUPTED, exitCodeOf } from '../exit-code.ts';
import type { Prepared } from '../prepared.ts';
import type { ProcessContext } from '../process-context.ts';
import { HostedTunnel, type HostedTunnelContext } from './hosted-tunnel.ts';
import { limitYoungGeneration } from './young-generation.ts';

/** Dependencies of {@link hostTunnels}. */
export interface HostContext {
  readonly process: ProcessContext;
  readonly surroundings: DaemonSurroundings;
  readonly version: string;
  /** @param name goes with every line of the log, where there are several tunnels */
  readonly prepare: (config: Config, name: string | undefined) => Prepared;
  readonly readProfile: HostedTunnelContext['readProfile'];
  /** Undefined for tunnels in the foreground, which have no files of their own. */
  readonly pathsOf: ((order: TunnelOrder) => DaemonPaths) | undefined;
  /** Called once, when all are open that can be, and at least one is. */
  readonly onReady: (outcomes: readonly TunnelOutcome[]) => Promise<void>;
}

/**
 * Opens tunnels, one after the other because each may ask on the terminal, and keeps them until their ends: each has its
 * own, also at the control socket. One that cannot be opened does not keep the others from it.
 *
 * @returns the exit code: that of the first that failed, else of the end that was asked for
 */
export async function hostTunnels(orders: readonly TunnelOrder[], context: HostContext): Promise<number> {
  return await new Host(orders, context).run();
}

class Host {
  readonly #context: HostContext;
  readonly #prepared: readonly Prepared[];
  readonly #all: readonly HostedTunnel[];
  /** Those that are opened, or open. */
  readonly #live = new Set<HostedTunnel>();
  readonly #outcomes = new Map<string, TunnelOutcome>();

  constructor(orders: readonly TunnelOrder[], context: HostContext) {
    this.#context = context;
    const isSingle = orders.length === 1;
    this.#prepared = orders.map(({ config, name }) => context.prepare(config, isSingle ? undefined : name));
    this.#all = orders.map(
      (order, index) =>
        new HostedTunnel(order, {
          prepared: this.#prepared[index]!,
          paths: context.pathsOf?.(order),
          readProfile: context.readProfile,
          reportFailure: (thrown) => context.process.reportFailure(thrown),
        }),
    );
  }

  async run(): Promise<number> {
    const { stop } = this.#context.process;
    const claimed = this.#claim();
    void stop.requested.then((exitCode) => this.#stopAll(exitCode, stop.failure));
    const control = claimed.length === 0 ? undefined : await this.#openControl();
    const endLimiting = limitYoungGeneration();
    try {
      for (const tunnel of claimed) {
        if (stop.signal.aborted) break;
        await this.#open(tunnel);
      }
      if (this.#live.size > 0 && !stop.signal.aborted) await this.#becomeReady();
      const ends = await Promise.all([...this.#live].map((tunnel) => this.#untilEnd(tunnel)));
      const failed = [...this.#outcomes.values(), ...ends].find(({ exitCode }) => exitCode !== 0);
      return failed?.exitCode ?? (stop.signal.aborted ? await stop.requested : 0);
    } finally {
      endLimiting();
      this.#stopAll(EXIT_INTERRUPTED);
      await Promise.all([...this.#live].map((tunnel) => this.#untilEnd(tunnel)));
      for (const tunnel of claimed) tunnel.release();
      await control?.close();
    }
  }

  /** Takes the files of all, so that problems with them are reported before a password is asked for. */
  #claim(): readonly HostedTunnel[] {
    return this.#all.filter((tunnel) => {
      try {
        tunnel.claim();
        return true;
      } catch (error) {
        this.#context.process.reportFailure(error);
        this.#outcomes.set(tunnel.name, { name: tunnel.name, captured: null, exitCode: exitCodeOf(error) });
        return false;
      }
    });
  }

  async #open(tunnel: HostedTunnel): Promise<void> {
    const { name } = tunnel;
    this.#live.add(tunnel);
    const end = await tunnel.open();
    if (end !== undefined) this.#live.delete(tunnel);
    const exitCode = end?.exitCode ?? 0;
    this.#outcomes.set(name, { name, captured: tunnel.captured ?? null, exitCode });
  }

  async #becomeReady(): Promise<void> {
    const { process, pathsOf, onReady } = this.#context;
    await onReady(this.#all.flatMap(({ name }) => this.#outcomes.get(name) ?? []));
    if (pathsOf === undefined) return;
    for (const tunnel of this.#live) tunnel.leaveTerminal();
    process.reportFailure = (thrown) => {
      for (const tunnel of this.#live) tunnel.logFailure(thrown);
    };
    process.hangUp = () => {
      for (const tunnel of this.#live) tunnel.reopenLog();
    };
    // What could not be opened has been told where it could be heard.
    this.#outcomes.clear();
  }

  async #untilEnd(tunnel: HostedTunnel) {
    const end = await tunnel.ended();
    this.#live.delete(tunnel);
    return end;
  }

  #stopAll(exitCode: number, failure?: unknown): void {
    for (const tunnel of this.#live) tunnel.stop(exitCode, failure);
  }

  /** A tunnel in the foreground does without, where there can be none: it is ended by its terminal. */
  async #openControl(): Promise<ControlServer | undefined> {
    const { surroundings, version, pathsOf } = this.#context;
    const live = this.#live;
    const target: ControlTarget = {
      info: { pid: process.pid, version, startedAtMs: Date.now() },
      get tunnels() {
        return [...live];
      },
    };
    const { logger } = this.#prepared[0]!;
    try {
      const [folder] = controlFoldersOf(surroundings);
      return await ControlServer.open(folder, target, logger, stateFolderOf(surroundings));
    } catch (error) {
      if (pathsOf !== undefined) throw error;
      logger.info(`tshuttle status will not know of this tunnel: ${messageOf(error)}`);
      return undefined;
    }
  }
}
