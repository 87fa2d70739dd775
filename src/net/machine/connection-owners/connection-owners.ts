import { printableLine } from '../../../core/printable.ts';
import { isLoopback } from '../../address/literal.ts';
import { ownAndBroadcastAddresses } from '../local-addresses.ts';
import { DescriptorSearch } from './descriptor-search.ts';
import { PROC, type ProcFolder } from './proc-folder.ts';
import { type AskedKernel, SocketSearch } from './socket-search.ts';
import type { OwnConnection } from './socket-table.ts';
import { TimeSlices } from './time-slices.ts';

/** Who has opened a connection; plain data. */
export type ConnectionOwner =
  /** `name` as ps(1) shows it: at most 15 bytes (PR_SET_NAME in prctl(2)). */
  | { readonly kind: 'program'; readonly name: string; readonly pid: number }
  /** A program of another user, which root alone may look into. */
  | { readonly kind: 'user'; readonly userId: number }
  /** Another machine, or a container with an address of its own. */
  | { readonly kind: 'machine'; readonly address: string }
  /** No program has the socket any more. */
  | { readonly kind: 'ended' }
  /** Not found yet, or not to be found: one that hides from its own user (PR_SET_DUMPABLE). */
  | { readonly kind: 'unknown' };

/** The machine, replaced in tests. */
export interface OwnersMachine {
  readonly proc: ProcFolder;
  /** Throws where the kernel cannot be asked. */
  readonly openKernel?: () => AskedKernel;
  readonly ownAddresses: () => readonly string[];
  /** Of this process, by which others let it look into them. */
  readonly userId: number;
  readonly nowMs: () => number;
}

/** Finds the programs of this machine that have opened connections; to be closed. Linux only; native-notes/connection-owners.md. */
export class ConnectionOwners {
  readonly #machine: OwnersMachine;
  readonly #sockets: SocketSearch;
  readonly #descriptors: DescriptorSearch;

  /** @param servers pids of what only accepts such connections, with thousands of descriptors perhaps */
  constructor(servers: readonly number[] = [], machine: OwnersMachine = thisMachine()) {
    this.#machine = machine;
    this.#sockets = new SocketSearch(machine.proc, machine.openKernel);
    const skipped = new Set([process.pid, ...servers]);
    this.#descriptors = new DescriptorSearch(machine.proc, (pid) => !skipped.has(pid), machine.nowMs);
  }

  /**
   * Takes a look. One of many processes costs some 20 ms of CPU, in slices between which the event loop goes on. Never rejects.
   *
   * @param connections few: those that are shown; what is not among them is forgotten
   * @returns one for each, in their order
   */
  async look(connections: readonly OwnConnection[]): Promise<readonly ConnectionOwner[]> {
    const slices = new TimeSlices();
    const own = new Set(this.#machine.ownAddresses());
    const isOwn = ({ local }: OwnConnection): boolean => isLoopback(local.address) || own.has(local.address);
    const sockets = await this.#sockets.find(connections.filter(isOwn), slices);
    const mayLookInto = (userId: number): boolean => [userId, 0].includes(this.#machine.userId);
    const inodes = sockets.flatMap((socket) =>
      socket !== undefined && mayLookInto(socket.userId) ? socket.inode || [] : [],
    );
    const holders = await this.#descriptors.look(new Set(inodes), slices);
    let next = 0;
    return connections.map((connection): ConnectionOwner => {
      if (!isOwn(connection)) return { kind: 'machine', address: connection.local.address };
      const socket = sockets[next];
      next += 1;
      if (socket === undefined || socket.inode === 0) return { kind: 'ended' };
      const holder = holders.get(socket.inode);
      if (holder?.kind === 'found') return this.#programOf(holder.pid, socket.inode);
      const isForeign = socket.userId !== this.#machine.userId && holder?.kind !== 'sought';
      return isForeign ? { kind: 'user', userId: socket.userId } : { kind: 'unknown' };
    });
  }

  /** Idempotent. */
  close(): void {
    this.#sockets.close();
  }

  #programOf(pid: number, inode: number): ConnectionOwner {
    const name = printableLine(this.#machine.proc.text(`${pid}/comm`));
    if (name !== '') return { kind: 'program', name, pid };
    // It has ended, and left the socket to another one.
    this.#descriptors.forget(inode);
    return { kind: 'unknown' };
  }
}

function thisMachine(): OwnersMachine {
  return {
    proc: PROC,
    ownAddresses: ownAndBroadcastAddresses,
    userId: process.geteuid?.() ?? -1,
    nowMs: () => performance.now(),
  };
}
