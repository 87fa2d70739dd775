import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { CaptureRule } from '../../net/address/capture-rule.ts';
import { type Cidr, formatCidr } from '../../net/address/cidr.ts';
import { formatEndpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import type { Flow, HeldName } from '../../net/flow.ts';
import { lockOnMachine } from '../../net/machine/machine-lock.ts';
import { AddressWatch } from '../zone/address-watch.ts';
import type { KnownNames } from '../zone/known-names.ts';
import { MappingStore, type SavedBlock } from '../zone/mapping-store.ts';
import { type AddressBlock, SyntheticAddresses } from '../zone/synthetic-addresses.ts';
import { blockCountOf, blockOf } from '../zone/synthetic-blocks.ts';
import { type AddressSource, SYNTHETIC_TTL_SECONDS } from '../zone/zone-answers.ts';
import { type CaptureRoutes, ensureRoute, rulesOf } from './synthetic-capture.ts';

/** How many names have an address of their own. Plain data. */
export interface SyntheticNamesStatus {
  /** Those whose address no other name may have yet. */
  readonly inUse: number;
  /** Addresses that there are for names now. */
  readonly capacity: number;
  /** Queries that were answered SERVFAIL because no address was left, since the start. */
  readonly refused: number;
}

/**
 * Twice the TTL of the answers: a program may be told an address by a cache when its time is nearly over, and keep it for a minute
 * more, as browsers do at least. While there is room, names keep theirs for longer; and a flood of names must not keep others out
 * for long.
 */
const KEEP_MS = 2 * SYNTHETIC_TTL_SECONDS * 1_000;

/** Another block is taken when so much of those that there are is given. */
const GROW_AT = 7 / 8;

/** What synthetic addresses are made of. */
export interface SyntheticNamesOptions {
  readonly range4: Cidr;
  readonly range6: Cidr;
  /** Where it is remembered which address a name has. */
  readonly stateFolder: string;
  /** Tells tunnels apart that run at the same time: its bastion and zones. */
  readonly tunnel: string;
  /** What is known of names, and is told here what becomes of connections to them. */
  readonly known: KnownNames;
  /** Has what {@link SyntheticNames.rules} says captured; resolves when that is in effect. */
  readonly recapture: () => Promise<void>;
}

interface OpenBlock extends AddressBlock {
  readonly block: number;
  readonly revision: () => number;
  readonly save: () => SavedBlock['mappings'];
  savedRevision: number;
}

/**
 * The names of a tunnel that only the bastion resolves, and the addresses that stand for them: one block of the ranges at first, and
 * more as they are needed, up to half of all, as long as no other tunnel has them.
 */
export class SyntheticNames implements AddressSource {
  readonly #options: SyntheticNamesOptions;
  readonly #ingress: CaptureRoutes;
  readonly #logger: Logger;
  readonly #store: MappingStore;
  readonly #blocks: OpenBlock[] = [];
  readonly #addresses = new SyntheticAddresses({ keepMs: KEEP_MS, nowMs: () => performance.now() });
  readonly #watch: AddressWatch;
  #rules: readonly CaptureRule[] = [];
  #growing: Promise<void> | undefined;
  /** There is no more, or the tunnel ends. */
  #isGrown = false;

  private constructor(
    store: MappingStore,
    options: SyntheticNamesOptions,
    ingress: CaptureRoutes,
    logger: Logger,
  ) {
    this.#store = store;
    this.#options = options;
    this.#ingress = ingress;
    this.#logger = logger;
    this.#watch = new AddressWatch(this.#addresses, logger);
  }

  /**
   * Takes the tunnel's part of the ranges, and has a route made to the IPv4 one where there is none. IPv6 is left out where
   * it has no route or cannot be captured: then names have no IPv6 address.
   *
   * @throws TshuttleError ERR_USAGE when other tunnels have all parts
   */
  static async open(
    options: SyntheticNamesOptions,
    ingress: CaptureRoutes,
    logger: Logger,
  ): Promise<SyntheticNames> {
    const { range4, stateFolder, tunnel } = options;
    const blockCount = blockCountOf(range4);
    const lock = (block: number) =>
      lockOnMachine(`names ${formatCidr(blockOf(range4, blockCount, block))}`, stateFolder);
    const { store, saved } = await MappingStore.open(
      { folder: stateFolder, tunnel, blockCount, lock },
      logger,
    );
    const names = new SyntheticNames(store, options, ingress, logger);
    for (const block of saved) {
      const addresses = await names.#prepare(block.block);
      names.#rules = [...names.#rules, ...rulesOf(addresses)];
      names.#add(addresses, block);
    }
    return names;
  }

  /** What captures the addresses. */
  get rules(): readonly CaptureRule[] {
    return this.#rules;
  }

  /** How much room there is. */
  status(): SyntheticNamesStatus {
    const { capacity } = this.#addresses.room;
    return { inUse: this.#addresses.inUse(), capacity, refused: this.#watch.refused };
  }

  /** Whether names have addresses of the family. */
  has(family: IpFamily): boolean {
    return this.#addresses.has(family);
  }

  /** Whether the bastion has no such name, as far as that is known. Never rejects. */
  isMissing(name: string): Promise<boolean> {
    return this.#options.known.isMissing(name);
  }

  /** The address of a name, which is remembered; undefined when there is none left. Logs that. Never rejects. */
  async addressOf(name: string, family: IpFamily): Promise<string | undefined> {
    let address = this.#addresses.addressOf(name, family);
    const { names, capacity } = this.#addresses.room;
    if (names >= capacity * GROW_AT && this.#mayGrow()) this.#growing ??= this.#grow();
    if (address === undefined && this.#growing !== undefined) {
      await this.#growing;
      address = this.#addresses.addressOf(name, family);
    }
    if (address === undefined) this.#watch.onRefused(name);
    else this.#saveSoon();
    return address;
  }

  /**
   * Gives a flow the name that its destination stands for, where that is a synthetic address.
   *
   * @returns false for a synthetic address without a name, which leads nowhere; that is logged
   */
  name(flow: Flow): boolean {
    const { host, port } = flow.destination;
    const called = flow.redirectedFrom ?? makeEndpoint(host, port);
    if (called === undefined) return true;
    const held = this.#addresses.hold(called);
    if (held === 'outside') return true;
    if (held === 'nothing') {
      this.#logger.warn(
        `${formatEndpoint(called)}: reset, the address stands for no name any more; look the name up again`,
      );
      return false;
    }
    flow.heldName = this.#learning(held, called.address);
    flow.destination = { host: held.name, port };
    flow.target = flow.destination;
    return true;
  }

  /** Writes down which name has which address. */
  close(): void {
    this.#isGrown = true;
    this.#store.close(new Map(this.#blocks.map(({ block, save }) => [block, save])));
  }

  #learning(
    { name, release }: { readonly name: string; readonly release: () => void },
    address: string,
  ): HeldName {
    return {
      address,
      release: (finding) => {
        release();
        if (finding !== 'unclear') this.#options.known.learn(name, finding);
      },
    };
  }

  #saveSoon(): void {
    for (const open of this.#blocks) {
      const revision = open.revision();
      if (revision === open.savedRevision) continue;
      open.savedRevision = revision;
      this.#watch.onGiven(this.#mayGrow());
      this.#store.saveSoon(open.block, open.save);
    }
  }

  /** As long as half of the range is left to others. */
  #mayGrow(): boolean {
    return !this.#isGrown && this.#blocks.length < blockCountOf(this.#options.range4) / 2;
  }

  /** Never rejects. What is given is captured already. */
  async #grow(): Promise<void> {
    try {
      const another = await this.#store.takeAnother();
      this.#isGrown ||= another === undefined;
      if (another === undefined) return;
      const addresses = await this.#prepare(another.block);
      const before = this.#rules;
      this.#rules = [...before, ...rulesOf(addresses)];
      try {
        await this.#options.recapture();
      } catch (error) {
        this.#rules = before;
        throw error;
      }
      this.#add(addresses, another);
      this.#logger.info(`more names in zones: ${formatCidr(addresses.range4)} is captured for them, too`);
    } catch (error) {
      this.#isGrown = true;
      this.#logger.warn(`no more addresses for names in zones: ${messageOf(error)}`);
    } finally {
      this.#growing = undefined;
    }
  }

  /** IPv6 is left out of all blocks where the first one has no route or cannot be captured. */
  async #prepare(block: number): Promise<AddressBlock> {
    const { range4, range6 } = this.#options;
    const count = blockCountOf(range4);
    const [block4, block6] = [blockOf(range4, count, block), blockOf(range6, count, block)];
    await ensureRoute(block4, this.#ingress, this.#logger);
    const has6 =
      this.#blocks.length > 0
        ? this.#addresses.has(6)
        : this.#ingress.families.includes(6) && (await this.#ingress.hasRoute(block6));
    return { range4: block4, range6: has6 ? block6 : undefined };
  }

  #add(addresses: AddressBlock, { block, mappings }: SavedBlock): void {
    const added = this.#addresses.add(addresses, mappings);
    this.#blocks.push({ ...addresses, ...added, block, savedRevision: added.revision() });
  }
}
