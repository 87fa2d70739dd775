import type { CaptureRule } from '../../net/address/capture-rule.ts';
import { familyOf, type IpFamily } from '../../net/address/literal.ts';
import type { SourceAddress } from '../../net/address/source-address.ts';
import type { Flow } from '../../net/flow.ts';
import type { NetworkNamespace } from '../../net/machine/namespace/network-namespace.ts';
import type { RefusedAddressProblem } from '../../net/sockets/interfaces/refused-address.ts';
import { Overload } from '../overload.ts';
import { DnsServer } from '../server/dns-server.ts';
import { QueryPolicy } from '../server/query-policy.ts';
import { flushSystemCaches } from '../system/flush-caches.ts';
import type { Nameserver } from '../system/resolv-conf.ts';
import { resolverFilesFor } from '../system/resolver-files.ts';
import { hasScutil } from '../system/scutil.ts';
import type { NameRules, StaticHost } from '../zone/name-routes.ts';
import { AnswerLog } from './answer-log.ts';
import {
  BastionAnswers,
  type BastionAnswersContext,
  type BastionSurroundings,
  isCaptured,
} from './bastion-answers.ts';
import { readBastionHosts } from './bastion-hosts.ts';
import { type DnsOptions, describeDns, nameserversOf } from './dns-options.ts';
import { DnsWarnings } from './dns-warnings.ts';
import { FollowedNameservers, type NameserverProblem } from './followed-nameservers.ts';
import { type QueryPlace, queryPlaceOf } from './query-place.ts';
import type { DnsRedirection } from './redirection.ts';
import type { SyntheticNamesStatus } from './synthetic-names.ts';

/** What {@link CapturedDns.open} needs of the tunnel. */
export interface DnsContext extends BastionAnswersContext {
  readonly ipv6: boolean;
  /** Names that lead to the bastion, which must not be asked through it. */
  readonly wayToBastion: readonly string[];
  /** Whose queries these are, where they are not the machine's. */
  readonly namespace: NetworkNamespace | undefined;
  /** Called for a client that was reset for want of descriptors. */
  readonly onRejected: () => void;
}

/** The DNS of a tunnel, which may change while it runs; without options it leaves DNS alone. */
export class CapturedDns {
  readonly #context: DnsContext;
  readonly #place: QueryPlace;
  readonly #answers: BastionAnswers;
  readonly #handler: QueryPolicy;
  #options: DnsOptions | undefined;
  #surroundings: BastionSurroundings | undefined;
  #bastionHosts: readonly StaticHost[] = [];
  #nameRules: NameRules;
  #server: DnsServer | undefined;
  #wanted: readonly Nameserver[] = [];
  #recapture: () => Promise<void> = () => Promise.resolve();
  readonly #nameservers: FollowedNameservers;
  #others: readonly SourceAddress[] = [];
  readonly #warnings: DnsWarnings;

  private constructor(options: DnsOptions | undefined, context: DnsContext) {
    this.#context = context;
    this.#place = queryPlaceOf(context.namespace);
    this.#warnings = new DnsWarnings(context.logger);
    const change = (nameservers: readonly Nameserver[]): Promise<void> => {
      this.#warn(false);
      return this.#redirectFrom(nameservers);
    };
    this.#nameservers = new FollowedNameservers(change, context.logger, this.#place.watchNameservers);
    this.#options = options;
    this.#nameRules = this.#rulesBy(options);
    this.#answers = new BastionAnswers(context);
    this.#handler = new QueryPolicy(
      () => this.#nameRules,
      (query, isInZone) => this.#answers.answer(query, isInZone),
      new AnswerLog(context.logger).follow,
    );
  }

  /**
   * Starts to listen, if DNS is to be captured.
   *
   * @throws TshuttleError ERR_LISTEN
   */
  static async open(options: DnsOptions | undefined, context: DnsContext): Promise<CapturedDns> {
    const dns = new CapturedDns(options, context);
    await dns.#serve(nameserversOf(options, dns.#place.resolvConf));
    return dns;
  }

  /** See {@link describeDns}; undefined when it is left alone. */
  get description(): string | undefined {
    return this.#options === undefined ? undefined : describeDns(this.#options);
  }

  /** What is to be captured for names that only the bastion resolves. */
  get rules(): readonly CaptureRule[] {
    return this.#answers.rules;
  }

  /** How many names in zones have addresses of their own; null where none can have one. */
  get namesStatus(): SyntheticNamesStatus | null {
    return this.#answers.namesStatus;
  }

  /**
   * Gets ready for names of the bastion's side. Once, before queries are redirected.
   *
   * @throws TshuttleError ERR_USAGE when all names are to be answered and no resolver is known
   */
  async prepare(surroundings: Omit<BastionSurroundings, 'recapture'>): Promise<void> {
    this.#surroundings = { ...surroundings, recapture: () => this.#recapture() };
    const options = this.#options;
    if (options === undefined) return;
    if (options.bastionHosts) {
      this.#bastionHosts = await readBastionHosts(surroundings.bastionFiles, {
        ...this.#context,
        hosts: options.hosts,
        isCaptured: (destination) => isCaptured(destination, surroundings.rules()),
      });
      this.#nameRules = this.#rulesBy(options);
    }
    (await this.#answers.use(options, this.#surroundings)).keep();
  }

  /** See {@link SyntheticNames.name}. */
  name(flow: Flow): boolean {
    return this.#answers.name(flow);
  }

  /** See {@link DnsServer.followOthers}; also for nameservers that come later. */
  async followOthers(addresses: readonly SourceAddress[]): Promise<void> {
    this.#others = addresses;
    await this.#server?.followOthers(addresses);
    this.#warnings.warnOfOthers(this.#server?.othersProblems ?? []);
  }

  /** Why queries do not come here that should: those of others, and those to other nameservers than before. */
  get problems(): ReadonlyArray<RefusedAddressProblem | NameserverProblem> {
    const own = [this.#nameservers.problem, ...this.#warnings.problems].filter((one) => one !== undefined);
    return [...(this.#server?.othersProblems ?? []), ...own];
  }

  /** Does once more what of {@link CapturedDns.follow} has failed. Never rejects. */
  tryAgain(): Promise<void> {
    return this.#nameservers.tryAgain();
  }

  /** What is to be redirected where these families can be captured; warns of nameservers that are left out. */
  redirectFor(families: readonly IpFamily[]): DnsRedirection | undefined {
    if (this.#options === undefined || this.#server === undefined) return undefined;
    const wanted = new Set(this.#usable().map(({ address }) => address));
    const redirects = this.#server.listenAddresses.filter(
      ({ nameserver }) => wanted.has(nameserver) && families.includes(familyOf(nameserver)),
    );
    const isLeft = (address: string) => !redirects.some(({ nameserver }) => nameserver === address);
    this.#warnings.warnOfFamilies(this.#wanted.map(({ address }) => address).filter(isLeft));
    const resolverFiles = hasScutil() ? resolverFilesFor(this.#options, redirects) : undefined;
    return { redirects, exemptPorts: this.#place.capturesOwn ? this.#server.ownPorts : [], resolverFiles };
  }

  /**
   * Queries are redirected from now on: has the machine forget what it was told before, and follows the nameservers that it
   * is told to ask, as in another network. Once.
   *
   * @param recapture has what {@link CapturedDns.redirectFor} and {@link CapturedDns.rules} say now captured
   */
  follow(recapture: () => Promise<void>): void {
    this.#recapture = recapture;
    if (this.#options === undefined) return;
    void this.#flushCaches();
    this.#warn(true);
    this.#watchAnew();
  }

  /**
   * Answers by other options from now on. Flows go on, also to names that are answered no more. The synthetic ranges stay
   * what they were once there was a zone, and `bastionHosts` has no effect. After {@link CapturedDns.follow}, one at a time.
   *
   * @throws TshuttleError ERR_USAGE, ERR_LISTEN, ERR_INTERCEPT_APPLY, and queries are answered as before
   */
  async change(options: DnsOptions | undefined): Promise<void> {
    const before = { options: this.#options, wanted: this.#wanted };
    const change = options === undefined ? undefined : await this.#answers.use(options, this.#surroundings!);
    try {
      this.#options = options;
      this.#nameRules = this.#rulesBy(options);
      await this.#redirectFrom(nameserversOf(options, this.#place.resolvConf));
    } catch (error) {
      this.#options = before.options;
      this.#nameRules = this.#rulesBy(before.options);
      this.#wanted = before.wanted;
      change?.undo();
      throw error;
    }
    change?.keep();
    this.#warn(before.options === undefined);
    this.#watchAnew();
    await this.#flushCaches();
  }

  /** Ends its sockets and connections, and has the machine forget what it was told. Once, when nothing is redirected any more. */
  async close(): Promise<void> {
    this.#nameservers.stop();
    this.#server?.close();
    this.#answers.close();
    if (this.#server !== undefined) await this.#flushCaches();
  }

  /** Those of the machine, which know nothing of what is said in a namespace. */
  async #flushCaches(): Promise<void> {
    if (this.#context.namespace === undefined) await flushSystemCaches();
  }

  #rulesBy(options: DnsOptions | undefined): NameRules {
    const { everything = false, zones = [], hosts = [], bastionHosts = false } = options ?? {};
    const known = bastionHosts ? this.#bastionHosts : [];
    const others = known.filter(({ name }) => !hosts.some((host) => host.name === name));
    return { everything, zones, hosts: [...hosts, ...others], wayToBastion: this.#context.wayToBastion };
  }

  /** What stands in the way on this machine does so in no namespace. */
  #warn(isNew: boolean): void {
    this.#warnings.warnOfSearch(this.#options);
    if (isNew && this.#context.namespace === undefined) void this.#warnings.warnOfObstacles(this.#options);
  }

  #usable(): readonly Nameserver[] {
    return this.#wanted.filter(({ address }) => this.#context.ipv6 || !address.includes(':'));
  }

  async #serve(nameservers: readonly Nameserver[]): Promise<void> {
    this.#wanted = nameservers;
    if (this.#options === undefined) return;
    const { logger, onRejected } = this.#context;
    const [wanted, overload] = [this.#usable(), new Overload(logger)];
    if (this.#server !== undefined) await this.#server.serve(wanted);
    else this.#server = await DnsServer.open(wanted, this.#handler, overload, { ...this.#place, onRejected });
    await this.followOthers(this.#others);
  }

  async #redirectFrom(nameservers: readonly Nameserver[]): Promise<void> {
    await this.#serve(nameservers);
    await this.#recapture();
    this.#server?.retireOthers(this.#usable());
  }

  #watchAnew(): void {
    if (this.#options?.nameservers === 'system') this.#nameservers.follow(this.#wanted);
    else this.#nameservers.stop();
  }
}
