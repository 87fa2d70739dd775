import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { BLOCK_COUNT, MappingStore } from '../dns/mapping-store.ts';
import { SyntheticAddresses } from '../dns/synthetic-addresses.ts';
import type { IncomingFlow } from '../ingress/incoming-flow.ts';
import type { RedirectIngress } from '../ingress/redirect.ts';
import type { CaptureRule } from '../net/capture-rule.ts';
import { addressToNumber, type Cidr, formatCidr, makeCidr } from '../net/cidr.ts';
import { type Endpoint, formatEndpoint } from '../net/endpoint.ts';
import { ALL_PORTS } from '../net/port-range.ts';
import { hasRoute } from '../net/route-check.ts';

/** Names of a tunnel at once: nearly as many as a /19 has addresses. */
const CAPACITY = 8_000;

/**
 * Longer than any program that goes by TTLs remembers an address. While there is room, names keep theirs for longer; and a
 * flood of names must not keep others out for long.
 */
const KEEP_MS = 15 * 60_000;

/** What synthetic addresses are made of. */
export interface SyntheticNamesOptions {
  readonly range4: Cidr;
  readonly range6: Cidr;
  /** Where it is remembered which address a name has. */
  readonly stateFolder: string;
  /** Tells tunnels apart that run at the same time: its bastion and zones. */
  readonly tunnel: string;
}

/** The names of a tunnel that only the bastion resolves, and the addresses that stand for them. */
export class SyntheticNames {
  readonly addresses: SyntheticAddresses;
  /** What captures the addresses. */
  readonly rules: readonly CaptureRule[];
  readonly #store: MappingStore;
  readonly #ranges: readonly Cidr[];
  readonly #logger: Logger;
  #savedRevision: number;

  private constructor(store: MappingStore, ranges: readonly [Cidr, Cidr?], logger: Logger) {
    const [range4, range6] = ranges;
    this.#store = store;
    this.#ranges = range6 === undefined ? [range4] : [range4, range6];
    this.#logger = logger;
    this.rules = this.#ranges.map((cidr) => ({ action: 'include', cidr, ports: ALL_PORTS }));
    this.addresses = new SyntheticAddresses({
      range4,
      range6,
      capacity: CAPACITY,
      keepMs: KEEP_MS,
      saved: store.saved.mappings,
      nowMs: () => performance.now(),
    });
    this.#savedRevision = this.addresses.revision;
  }

  /**
   * Takes the tunnel's part of the ranges, and has a route made to the IPv4 one where there is none. IPv6 is left out where
   * it has no route or cannot be captured: then names have no IPv6 address.
   */
  static async open(
    { range4, range6, stateFolder, tunnel }: SyntheticNamesOptions,
    ingress: Pick<RedirectIngress, 'families' | 'addRoute'>,
    logger: Logger,
  ): Promise<SyntheticNames> {
    const store = new MappingStore(stateFolder, tunnel, logger);
    const block4 = blockOf(range4, store.saved.block);
    const block6 = blockOf(range6, store.saved.block);
    if (!(await hasRoute(block4))) await addRoute(block4, ingress, logger);
    const has6 = ingress.families.includes(6) && (await hasRoute(block6));
    return new SyntheticNames(store, has6 ? [block4, block6] : [block4], logger);
  }

  /**
   * A flow with the name that its destination stands for, as it is when that is no synthetic address; undefined for a
   * synthetic address without a name, which leads nowhere.
   */
  named(flow: IncomingFlow): IncomingFlow | undefined {
    const { destination } = flow;
    if ('host' in destination || !this.#ranges.some((range) => isIn(range, destination))) return flow;
    const name = this.addresses.nameOf(destination);
    const release = this.addresses.hold(destination);
    if (name === undefined || release === undefined) {
      this.#logger.warn(
        `${formatEndpoint(destination)}: reset, the address stands for no name any more; look the name up again`,
      );
      return undefined;
    }
    return { ...flow, destinationName: { name, release } };
  }

  /** A name was given an address: one that is new is to be remembered. */
  saveSoon(): void {
    if (this.addresses.revision === this.#savedRevision) return;
    this.#savedRevision = this.addresses.revision;
    this.#store.saveSoon(() => this.addresses.save());
  }

  /** Writes what is not written yet. */
  close(): void {
    this.#store.flush();
  }
}

async function addRoute(
  network: Cidr,
  ingress: Pick<RedirectIngress, 'addRoute'>,
  logger: Logger,
): Promise<void> {
  try {
    await ingress.addRoute(network);
    logger.info(`made a route to ${formatCidr(network)}, which had none`);
  } catch (error) {
    logger.warn(
      `names in zones cannot be reached: no route to ${formatCidr(network)}, and ${messageOf(error)}; ` +
        'any route will do, see --synthetic-range for another network',
    );
  }
}

/** One of {@link BLOCK_COUNT} equal parts. */
function blockOf(range: Cidr, block: number): Cidr {
  const prefixLength = range.prefixLength + Math.log2(BLOCK_COUNT);
  const size = (range.last - range.first + 1n) / BigInt(BLOCK_COUNT);
  return makeCidr(range.family, range.first + size * BigInt(block), prefixLength);
}

function isIn(range: Cidr, { family, address }: Endpoint): boolean {
  if (family !== range.family) return false;
  const value = addressToNumber(family, address);
  return value >= range.first && value <= range.last;
}
