import type { ControlClient, SilentDaemon } from '../../daemon/control/client.ts';
import { findDaemons } from '../../daemon/control/find-daemons.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import type { DaemonSurroundings } from '../../daemon/files/paths.ts';
import { controlFoldersOf } from '../../daemon/files/paths.ts';
import type { ProcessContext } from '../process-context.ts';

/** A tunnel of this user that runs, and the way to the process that it runs in. */
export interface RunningTunnelHandle {
  readonly client: ControlClient;
  readonly report: TunnelReport;
}

/** The tunnels of this user, of all processes; to be closed. */
export class RunningTunnels {
  readonly all: readonly RunningTunnelHandle[];
  /** Processes that do not answer. */
  readonly silent: readonly SilentDaemon[];

  private constructor(all: readonly RunningTunnelHandle[], silent: readonly SilentDaemon[]) {
    this.all = all;
    this.silent = silent;
  }

  /**
   * Asks every process. One that goes away meanwhile has no tunnels; one that stops answering is silent.
   *
   * @param how `checked`: each tries first whether what it captures arrives
   */
  static async find(
    surroundings: DaemonSurroundings,
    how: 'as known' | 'checked' = 'as known',
  ): Promise<RunningTunnels> {
    const { clients, silent: silentAtOnce } = await findDaemons(controlFoldersOf(surroundings));
    const silent = [...silentAtOnce];
    const found = await Promise.all(
      clients.map(async (client) => {
        try {
          // What it cannot try it cannot tell; all else it can.
          if (how === 'checked') await client.ask({ type: 'check' }).catch(() => {});
          const answer = await client.ask({ type: 'status' });
          return answer.type === 'status' ? answer.tunnels.map((report) => ({ client, report })) : [];
        } catch {
          client.close();
          if (client.silence !== undefined) silent.push(client.silence);
          return [];
        }
      }),
    );
    return new RunningTunnels(found.flat(), silent);
  }

  /** The profile of this name if it is up, else the tunnel that a command line has started. */
  named(name: string): RunningTunnelHandle | undefined {
    const found = this.all.filter(({ report }) => report.name === name);
    return found.find(({ report }) => report.profileFile !== null) ?? found[0];
  }

  /** Where in {@link RunningTunnels.all} that one is; -1 where there is none. */
  indexOf(name: string): number {
    const found = this.named(name);
    return found === undefined ? -1 : this.all.indexOf(found);
  }

  /**
   * @param command the one that the name was given for, for the line to type
   * @throws TshuttleError ERR_USAGE when no tunnel that is up has this name, with what there is of it
   */
  async mustBeNamed(
    name: string,
    command: string,
    environment: ProcessContext['environment'],
  ): Promise<RunningTunnelHandle> {
    const found = this.named(name);
    if (found !== undefined) return found;
    const { notUp } = await import('./unknown-tunnel.ts');
    throw notUp(name, { command, up: this.names, environment });
  }

  /**
   * The process that does not answer and has a tunnel of this name, as its log tells, which it has open.
   *
   * @param surroundings where the logs are
   */
  async silentNamed(name: string, surroundings: DaemonSurroundings): Promise<SilentDaemon | undefined> {
    if (this.silent.length === 0) return undefined;
    const { keptLogOf } = await import('../../daemon/files/kept-logs.ts');
    const { hasOpen } = await import('./end-silent.ts');
    const log = keptLogOf(name, surroundings);
    if (log === undefined) return undefined;
    return this.silent.find(({ pid, isOwn }) => isOwn && pid !== undefined && hasOpen(pid, log));
  }

  get names(): readonly string[] {
    return this.all.map(({ report }) => report.name);
  }

  /** Keeps the first of these, whose client is the caller's then, and closes the others. */
  keepOnly(isWanted: (tunnel: RunningTunnelHandle) => boolean): RunningTunnelHandle | undefined {
    const taken = this.all.find(isWanted);
    for (const { client } of this.all) if (client !== taken?.client) client.close();
    return taken;
  }

  /** Idempotent. */
  close(): void {
    for (const { client } of this.all) client.close();
  }
}
