import type { ProcFolder } from './proc-folder.ts';
import type { TimeSlices } from './time-slices.ts';

/** Of one look; the next one goes on from there. */
const MAX_PROCESSES = 512;
const MAX_DESCRIPTORS = 20_000;

/** What no process has that may be looked into is not searched again for so long, in ms. */
const RETRY_MS = 30_000;

/** Between pauses: some tenths of a ms. */
const DESCRIPTORS_A_PAUSE = 64;

/** One way through all processes. */
interface Pass {
  /** Those that it has to find, and has not. */
  readonly wanted: Set<number>;
  /** Still to be looked into; the next one last. */
  readonly pids: string[];
}

/** What is known of the process that has a socket open. */
type Holder =
  | { readonly kind: 'found'; readonly pid: number }
  /** It is still being searched. */
  | { readonly kind: 'sought' }
  /** None that this user may look into. */
  | { readonly kind: 'missing' };

/**
 * Finds the processes that have sockets open, by the links of /proc/PID/fd (proc(5)): those of this user, or, of root's, of all.
 * Bounded in what one look costs; remembers what it has found for as long as the sockets are asked for.
 */
export class DescriptorSearch {
  readonly #proc: ProcFolder;
  readonly #isWorthLooking: (pid: number) => boolean;
  readonly #nowMs: () => number;
  /** By inode. */
  readonly #found = new Map<number, number>();
  /** By inode: when it may be searched again. */
  readonly #missing = new Map<number, number>();
  #pass: Pass | undefined;

  /** @param isWorthLooking whether a process may be one that is searched for */
  constructor(proc: ProcFolder, isWorthLooking: (pid: number) => boolean, nowMs: () => number) {
    this.#proc = proc;
    this.#isWorthLooking = isWorthLooking;
    this.#nowMs = nowMs;
  }

  /** Looks for the processes of these sockets, and forgets all others. */
  async look(inodes: ReadonlySet<number>, slices: TimeSlices): Promise<ReadonlyMap<number, Holder>> {
    for (const known of [this.#found, this.#missing])
      for (const inode of known.keys()) if (!inodes.has(inode)) known.delete(inode);
    this.#pass ??= this.#newPass(inodes);
    if (this.#pass !== undefined) await this.#goOn(this.#pass, slices);
    return new Map([...inodes].map((inode) => [inode, this.#holderOf(inode)]));
  }

  /** It has another process than the one that was found. */
  forget(inode: number): void {
    this.#found.delete(inode);
  }

  #holderOf(inode: number): Holder {
    const pid = this.#found.get(inode);
    if (pid !== undefined) return { kind: 'found', pid };
    return this.#missing.has(inode) ? { kind: 'missing' } : { kind: 'sought' };
  }

  #newPass(inodes: ReadonlySet<number>): Pass | undefined {
    const nowMs = this.#nowMs();
    const wanted = [...inodes].filter(
      (inode) => !this.#found.has(inode) && (this.#missing.get(inode) ?? 0) <= nowMs,
    );
    if (wanted.length === 0) return undefined;
    const pids = (this.#proc.names('') ?? []).filter(
      (name) => /^\d+$/.test(name) && this.#isWorthLooking(Number(name)),
    );
    // First whoever has others of them, then the youngest.
    const known = new Set(this.#found.values());
    const rank = (pid: string): number => Number(pid) + (known.has(Number(pid)) ? 2 ** 32 : 0);
    return { wanted: new Set(wanted), pids: pids.sort((a, b) => rank(a) - rank(b)) };
  }

  async #goOn({ wanted, pids }: Pass, slices: TimeSlices): Promise<void> {
    let descriptors = 0;
    for (let processes = 0; processes < MAX_PROCESSES && descriptors < MAX_DESCRIPTORS; processes += 1) {
      const pid = wanted.size === 0 ? undefined : pids.pop();
      if (pid === undefined) {
        for (const inode of wanted) this.#missing.set(inode, this.#nowMs() + RETRY_MS);
        this.#pass = undefined;
        return;
      }
      descriptors += await this.#lookInto(pid, wanted, slices);
    }
  }

  /** @returns how many descriptors it has */
  async #lookInto(pid: string, wanted: Set<number>, slices: TimeSlices): Promise<number> {
    const descriptors = this.#proc.names(`${pid}/fd`) ?? [];
    for (const [index, descriptor] of descriptors.entries()) {
      if (index % DESCRIPTORS_A_PAUSE === 0 && slices.isOver) await slices.pause();
      const inode = Number(SOCKET.exec(this.#proc.link(`${pid}/fd/${descriptor}`) ?? '')?.[1]);
      if (!wanted.delete(inode)) continue;
      this.#found.set(inode, Number(pid));
      this.#missing.delete(inode);
      if (wanted.size === 0) break;
    }
    return descriptors.length + 1;
  }
}

const SOCKET = /^socket:\[(\d+)\]$/;
