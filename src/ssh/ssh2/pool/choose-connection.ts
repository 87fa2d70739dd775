/** A connection that moved this much in about the last second carries bulk; others on it may have to wait. */
const BULK_BYTES = 1024 * 1024;

/** What was moved counts half after so long. */
const HALF_LIFE_MS = 1000;

/** What a connection carries. */
export interface ConnectionLoad {
  readonly channels: number;
  /** Payload moved in both directions since its start. */
  readonly movedBytes: number;
}

/** The load of one of several connections. */
export interface Candidate {
  readonly channels: number;
  /** Payload moved lately, see {@link RecentBytes}. */
  readonly recentBytes: number;
  /** How many channels the bastion was seen to have descriptors for, where it has run out of them. */
  readonly capacity: number;
}

/**
 * Which connection takes a new flow: one that has room, best one without bulk, and of these the one with the fewest channels.
 *
 * @returns an index; undefined when none has room
 */
export function chooseConnection(candidates: readonly Candidate[]): number | undefined {
  let best: number | undefined;
  candidates.forEach((candidate, index) => {
    if (candidate.channels >= candidate.capacity) return;
    const leader = best === undefined ? undefined : candidates[best];
    if (leader === undefined || compare(candidate, leader) < 0) best = index;
  });
  return best;
}

/** Whether a new flow would be better off on one more connection: each of these carries bulk, or a flow at least. */
export function wantsAnother(candidates: readonly Candidate[]): boolean {
  return candidates.every(({ channels }) => channels > 0);
}

function compare(one: Candidate, other: Candidate): number {
  const byBulk = Number(one.recentBytes >= BULK_BYTES) - Number(other.recentBytes >= BULK_BYTES);
  return byBulk === 0 ? one.channels - other.channels : byBulk;
}

/** Payload moved lately on one connection, from a counter that is read now and then. */
export class RecentBytes {
  #bytes = 0;
  #movedBytes = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** @param movedBytes the counter, now */
  update(movedBytes: number, nowMs: number): number {
    const halvings = (nowMs - this.#atMs) / HALF_LIFE_MS;
    const left = 0.5 ** halvings;
    // What came since then came evenly, as far as we know: the mean of what is left of it.
    const leftOfNew = halvings === 0 ? 1 : (1 - left) / (halvings * Math.LN2);
    this.#bytes = this.#bytes * left + (movedBytes - this.#movedBytes) * leftOfNew;
    this.#movedBytes = movedBytes;
    this.#atMs = nowMs;
    return this.#bytes;
  }
}
