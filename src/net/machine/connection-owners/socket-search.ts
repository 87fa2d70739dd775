import { openSocketDiag, type SocketDiag } from '../../native/netlink/socket-diag.ts';
import type { ProcFolder } from './proc-folder.ts';
import { type FoundSocket, type OwnConnection, socketsInTables } from './socket-table.ts';
import type { TimeSlices } from './time-slices.ts';

/** What a {@link SocketSearch} asks of the kernel. */
export type AskedKernel = Pick<SocketDiag, 'find' | 'close'>;

/**
 * Finds the sockets of connections: each by one question to the kernel; where it cannot be asked (without koffi, or without its
 * module, which it then says by finding nothing), or not all is known of a connection, in the tables of /proc/net.
 */
export class SocketSearch {
  readonly #proc: Pick<ProcFolder, 'longText'>;
  /** Undefined where the kernel cannot be asked. */
  readonly #kernel: AskedKernel | undefined;
  /** Whether the kernel has ever found one. */
  #isTrusted = false;

  /** @param open asks the kernel; throws where that is not to be had */
  constructor(proc: Pick<ProcFolder, 'longText'>, open: () => AskedKernel = openSocketDiag) {
    this.#proc = proc;
    try {
      this.#kernel = open();
    } catch {
      this.#kernel = undefined;
    }
  }

  /** @returns one for each connection, in their order; undefined where there is none */
  async find(
    connections: readonly OwnConnection[],
    slices: TimeSlices,
  ): Promise<ReadonlyArray<FoundSocket | undefined>> {
    const found: Array<FoundSocket | undefined> = [];
    for (const connection of connections) {
      found.push(this.#ask(connection));
      await slices.pause();
    }
    const unknown = connections.flatMap((connection, index) =>
      found[index] === undefined && !(this.#isTrusted && connection.remote !== undefined)
        ? [{ connection, index }]
        : [],
    );
    if (unknown.length === 0) return found;
    const tables = await Promise.all([this.#proc.longText('net/tcp'), this.#proc.longText('net/tcp6')]);
    const listed = await socketsInTables(
      tables,
      unknown.map(({ connection }) => connection),
      slices,
    );
    for (const [at, { index }] of unknown.entries()) found[index] = listed[at];
    return found;
  }

  /** Idempotent. */
  close(): void {
    this.#kernel?.close();
  }

  #ask({ local, remote }: OwnConnection): FoundSocket | undefined {
    if (this.#kernel === undefined || remote === undefined || remote.family !== local.family)
      return undefined;
    try {
      const socket = this.#kernel.find(local, remote);
      if (socket !== undefined) this.#isTrusted = true;
      return socket;
    } catch {
      return undefined; // a kernel that does not let everybody ask
    }
  }
}
