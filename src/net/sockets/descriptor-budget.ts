import type { Socket } from 'node:net';
import { descriptorOf } from '../native/descriptors/descriptor.ts';
import { descriptorLimit } from '../native/resource-limit.ts';

/** Bounds of what is kept free, and how much of the limit it is between them. */
const MIN_RESERVE = 32;
const MAX_RESERVE = 512;
const RESERVE_DIVISOR = 16;

/** The reserve never takes more than this part of a small limit. */
const MAX_RESERVE_DIVISOR = 4;

/** Where the system does not tell its limit. Windows has none for sockets, which are handles there, of which a process may have millions. */
const UNKNOWN_LIMIT = process.platform === 'win32' ? 65_536 : 1_024;

/**
 * What a descriptor is for. A `flow` leaves the whole reserve alone; a `service` (DNS, control socket, metrics), without which
 * nobody could use the flows there are, half of it. The other half is for what this process opens itself: the next connection
 * to the bastion, its helper, its log.
 */
export type DescriptorUse = 'flow' | 'service';

/**
 * How many descriptors may be used for what comes in.
 *
 * The kernel gives the lowest free number, so that a descriptor that has just been made tells by its number how many there are at
 * least: nothing has to be counted. Below the limit by a reserve, libuv never gets to where it accepts a connection only to
 * close it, which its application takes for an end of data (native-notes/descriptors.md).
 */
export class DescriptorBudget {
  readonly #readLimit: () => number;
  #limit: number;
  #ceilings: Readonly<Record<DescriptorUse, number>>;

  /** @param readLimit asked at first, and again when the limit is reached: it may have been raised meanwhile */
  constructor(readLimit: () => number) {
    this.#readLimit = readLimit;
    this.#limit = readLimit();
    this.#ceilings = ceilingsOf(this.#limit);
  }

  /** How many descriptors this process may have. */
  get limit(): number {
    return this.#limit;
  }

  /** How many of them are never used for flows. */
  get reserve(): number {
    return this.#limit - this.#ceilings.flow;
  }

  /** Whether a descriptor that has just been made is one too many. */
  isBeyond(socket: Socket, use: DescriptorUse): boolean {
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined || descriptor < this.#ceilings[use]) return false;
    this.#limit = this.#readLimit();
    this.#ceilings = ceilingsOf(this.#limit);
    return descriptor >= this.#ceilings[use];
  }

  /** That part of what may be used for flows, and no more than `most`: for one kind of client. */
  share(part: number, most: number): number {
    return Math.max(1, Math.min(most, Math.floor(this.#ceilings.flow * part)));
  }
}

function ceilingsOf(limit: number): Readonly<Record<DescriptorUse, number>> {
  const wanted = Math.max(MIN_RESERVE, Math.floor(limit / RESERVE_DIVISOR));
  const reserve = Math.min(MAX_RESERVE, wanted, Math.floor(limit / MAX_RESERVE_DIVISOR));
  return { flow: limit - reserve, service: limit - Math.floor(reserve / 2) };
}

let ofThisProcess: DescriptorBudget | undefined;

/** The budget of this process, which all its tunnels share. */
export function descriptorBudget(): DescriptorBudget {
  ofThisProcess ??= new DescriptorBudget(() => descriptorLimit() ?? UNKNOWN_LIMIT);
  return ofThisProcess;
}
