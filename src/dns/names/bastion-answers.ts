import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../../core/log.ts';
import { type CaptureRule, decidingRule } from '../../net/address/capture-rule.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { type NetworkMap, toLocal } from '../../net/address/network-map.ts';
import { formatZone, type Zone } from '../../net/address/zone.ts';
import type { Flow } from '../../net/flow.ts';
import { RCODES } from '../message/layout.ts';
import { errorAnswer, type Query } from '../message/message.ts';
import { CachingResolver } from '../resolver/caching-resolver.ts';
import { type OpenConnection, TcpResolver } from '../resolver/tcp-resolver.ts';
import { isFromSearch, systemSearchRules } from '../system/search-domains.ts';
import { KnownNames, type NameFinding } from '../zone/known-names.ts';
import { ZoneAnswers } from '../zone/zone-answers.ts';
import type { BastionFiles } from './bastion-hosts.ts';
import { bastionResolvers } from './bastion-resolvers.ts';
import type { DnsOptions } from './dns-options.ts';
import type { CaptureRoutes } from './synthetic-capture.ts';
import { SyntheticNames, type SyntheticNamesStatus } from './synthetic-names.ts';

/** Longer than a query waits for a resolver, twice: what is in flight when others take over is still answered. */
const RETIRE_AFTER_MS = 5_000;

/** The parts of the tunnel that {@link BastionAnswers} uses. */
export interface BastionAnswersContext {
  readonly logger: Logger;
  /** Tells tunnels apart. */
  readonly bastion: string;
  readonly stateFolder: string;
  /** What of the captured has other addresses behind the bastion. */
  readonly maps: readonly NetworkMap[];
  readonly open: OpenConnection;
  /** Whether the bastion resolves a name. Never rejects. */
  readonly findName: (name: string) => Promise<NameFinding>;
}

/** What a tunnel has when there is a bastion. */
export interface BastionSurroundings {
  /** What is captured otherwise, asked each time. */
  readonly rules: () => readonly CaptureRule[];
  readonly ingress: CaptureRoutes;
  readonly bastionFiles: BastionFiles;
  /** Has what {@link BastionAnswers.rules} says captured, which has changed by itself; resolves when that is in effect. */
  readonly recapture: () => Promise<void>;
}

/** Who answers now. */
interface Answering {
  readonly endpoints: readonly Endpoint[];
  readonly resolvers: readonly TcpResolver[];
  readonly cachingResolver: CachingResolver | undefined;
  readonly zoneAnswers: ZoneAnswers | undefined;
}

const NOBODY: Answering = {
  endpoints: [],
  resolvers: [],
  cachingResolver: undefined,
  zoneAnswers: undefined,
};

/** The answers of the bastion's side: what its resolvers say, and addresses that stand for names which only it resolves. */
export class BastionAnswers {
  readonly #context: BastionAnswersContext;
  #answering = NOBODY;
  /** Kept when no zone is left: flows may go on, and clients remember addresses. */
  #names: SyntheticNames | undefined;
  #zones: readonly Zone[] = [];
  /** Of resolvers that others have taken over from. */
  readonly #retiring = new Map<NodeJS.Timeout, readonly TcpResolver[]>();

  constructor(context: BastionAnswersContext) {
    this.#context = context;
  }

  /** What is to be captured for names that only the bastion resolves. */
  get rules(): readonly CaptureRule[] {
    return this.#names?.rules ?? [];
  }

  /** How many names have addresses of their own; null where none can have one. */
  get namesStatus(): SyntheticNamesStatus | null {
    return this.#names?.status() ?? null;
  }

  /** See {@link SyntheticNames.name}. */
  name(flow: Flow): boolean {
    return this.#names?.name(flow) ?? true;
  }

  /** SERVFAIL as long as nobody can answer. Never rejects. */
  async answer(query: Query, isInZone: boolean): Promise<Buffer> {
    return (
      (await this.#answering.zoneAnswers?.answer(query, isInZone)) ?? errorAnswer(query, RCODES.serverFailure)
    );
  }

  /**
   * Answers as the options say. Resolvers that stay the same keep their connections and what they have said.
   *
   * @returns what ends the change, one of them to be called once
   * @throws TshuttleError ERR_USAGE when all names are to be answered and no resolver is known; all is as before then
   */
  async use(options: DnsOptions, surroundings: BastionSurroundings): Promise<{ keep(): void; undo(): void }> {
    const before = this.#answering;
    const resolving = await this.#resolving(options, surroundings);
    if (options.zones.length > 0) this.#names ??= await this.#openNames(options, surroundings);
    const names = this.#names;
    const zoneAnswers = new ZoneAnswers({
      cachingResolver: resolving.cachingResolver,
      isCaptured: ({ family, address }) => isCaptured({ family, address }, surroundings.rules()),
      ...(this.#context.maps.length > 0 && { toLocal: (address) => toLocal(this.#context.maps, address) }),
      ...(names !== undefined && { synthetic: names, resolve: options.resolve }),
    });
    const zonesBefore = this.#zones;
    this.#zones = options.zones;
    this.#answering = { ...resolving, zoneAnswers };
    const hasOthers = resolving.resolvers !== before.resolvers;
    return {
      keep: () => {
        if (hasOthers) this.#retire(before.resolvers);
      },
      undo: () => {
        this.#answering = before;
        this.#zones = zonesBefore;
        if (hasOthers) for (const resolver of resolving.resolvers) resolver.close();
      },
    };
  }

  /** Ends its connections, and writes down which address stands for which name. */
  close(): void {
    for (const resolver of this.#answering.resolvers) resolver.close();
    for (const [timer, resolvers] of this.#retiring) {
      clearTimeout(timer);
      for (const resolver of resolvers) resolver.close();
    }
    this.#names?.close();
  }

  async #resolving(options: DnsOptions, { bastionFiles }: BastionSurroundings): Promise<Answering> {
    const { logger, open } = this.#context;
    const now = this.#answering;
    const endpoints =
      options.resolvers.length > 0
        ? options.resolvers
        : await bastionResolvers(options, bastionFiles, logger);
    if (isDeepStrictEqual(endpoints, now.endpoints)) return now;
    const resolvers = endpoints.map((endpoint) => new TcpResolver(endpoint, open));
    const cachingResolver = resolvers.length === 0 ? undefined : new CachingResolver(resolvers, logger);
    return { ...NOBODY, endpoints, resolvers, cachingResolver };
  }

  async #openNames(
    { zones, syntheticRanges }: DnsOptions,
    { ingress, recapture }: BastionSurroundings,
  ): Promise<SyntheticNames> {
    const { bastion, stateFolder, logger } = this.#context;
    const tunnel = [bastion, ...zones.map(formatZone).sort()].join(' ');
    const known = new KnownNames({
      ask: (name) => this.#ask(name),
      isDoubtful: (name) => isFromSearch(name, systemSearchRules(), this.#zones),
      nowMs: () => performance.now(),
    });
    const options = { ...syntheticRanges, stateFolder, tunnel, known, recapture };
    return await SyntheticNames.open(options, ingress, logger);
  }

  async #ask(name: string): Promise<NameFinding> {
    const finding = await this.#context.findName(name);
    if (finding === 'missing') this.#context.logger.info(`${name}: the bastion has no such name`);
    return finding;
  }

  #retire(resolvers: readonly TcpResolver[]): void {
    if (resolvers.length === 0) return;
    const timer = setTimeout(() => {
      this.#retiring.delete(timer);
      for (const resolver of resolvers) resolver.close();
    }, RETIRE_AFTER_MS).unref();
    this.#retiring.set(timer, resolvers);
  }
}

/** Whether connections to an address go through the tunnel. */
export function isCaptured(
  destination: { readonly family: IpFamily; readonly address: string },
  rules: readonly CaptureRule[],
): boolean {
  return decidingRule(rules, destination, undefined)?.action === 'include';
}
