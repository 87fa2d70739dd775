import { GrammarError } from '../../net/messages/field-reader.ts';
import {
  type HelperState,
  MAX_REASON_CHARACTERS,
  PERMITTED,
  type Reply,
  type Request,
  type RulesNews,
} from '../protocol/protocol.ts';
import type { LeftUndone } from '../rules/left-undone.ts';
import {
  type Candidate,
  endsWithHelper,
  leavesHarmless,
  methodOf,
  methodRow,
} from '../rules/redirect-methods.ts';
import type { DnsRedirect, RedirectPlan } from '../rules/redirect-plan.ts';
import { CALLER_ID } from './caller.ts';
import { type Enclosure, enclose } from './cgroup/enclosure.ts';
import { placeCgroups } from './cgroup/place-cgroups.ts';
import { cleanUpDeadInstances } from './cleanup.ts';
import { RefusedError, type RuleBackend } from './drivers/backend/rule-backend.ts';
import { openBackend } from './drivers/drivers.ts';
import { makeTransparent } from './drivers/tproxy/transparent-listeners.ts';
import { forgetQueries } from './forget-queries.ts';
import { type Guardian, startGuardian } from './guardian/guardian-process.ts';
import { mustEndWithHelper, probeCandidates } from './probe.ts';
import { openRoute, type Route } from './route.ts';
import { RuleKeeper, type RuleKeeperContext } from './rule-keeper.ts';
import { endStrandedHere } from './stranded.ts';
import { UdpPolicyApplier } from './udp/apply-udp-policy.ts';
import { udpPortsInUse } from './udp/udp-ports-in-use.ts';

/** What the session does to the machine; tests put their own here. */
export interface SessionActions {
  readonly probe: typeof probeCandidates;
  readonly cleanup: typeof cleanUpDeadInstances;
  readonly openBackend: (candidate: Candidate) => RuleBackend | Promise<RuleBackend>;
  readonly openRoute: typeof openRoute;
  readonly forgetQueries: (before: DnsRedirect | null, now: DnsRedirect | null) => void;
  readonly endStranded: typeof endStrandedHere;
  readonly enclose: (pid: number) => Enclosure;
  readonly makeTransparent: typeof makeTransparent;
  readonly mustEndWithHelper: typeof mustEndWithHelper;
  readonly startGuardian: () => Promise<Guardian>;
  readonly udpPortsInUse: typeof udpPortsInUse;
  /** How changes by others are heard of. */
  readonly watch?: RuleKeeperContext['watch'];
}

/** What a helper does. */
export const REAL_ACTIONS: SessionActions = {
  probe: probeCandidates,
  cleanup: cleanUpDeadInstances,
  openBackend,
  openRoute,
  forgetQueries,
  endStranded: endStrandedHere,
  enclose: (pid) => enclose(pid),
  makeTransparent,
  mustEndWithHelper,
  startGuardian: () => startGuardian(),
  udpPortsInUse,
};

/** As many as a tunnel takes parts of its range for names. */
const MAX_ROUTES = 16;

/** Why a session ends. `helper ends`: the client may have another helper go on with what was in force. */
export type SessionEnd = 'client ended' | 'helper ends';

/** What a session tells unasked. */
export interface SessionEvents {
  /** Called once at most, when rules went away that nobody had removed, and cannot come back. */
  onLost(reason: string): void;
  /** Called when somebody else has removed rules. */
  onRules(news: RulesNews): void;
}

/** The root side of one client: serves its requests in the order that {@link PERMITTED} allows, and undoes them. */
export class HelperSession {
  readonly #actions: SessionActions;
  readonly #events: SessionEvents;
  #state: HelperState = 'started';
  #backend: RuleBackend | undefined;
  #keeper: RuleKeeper | undefined;
  #guardian: Guardian | undefined;
  #lastTask: Promise<void> = Promise.resolve();
  #listenerPort: number | undefined;
  #dns: DnsRedirect | null = null;
  readonly #routes: Route[] = [];
  #enclosure: Enclosure | undefined;
  readonly #udp: UdpPolicyApplier;
  #isRedirected = true; // else the listener's sockets have the applications' addresses
  /** In force. */
  #plan: RedirectPlan | undefined;

  constructor(events: SessionEvents, actions: SessionActions) {
    this.#events = events;
    this.#actions = actions;
    this.#udp = new UdpPolicyApplier({ portsInUse: actions.udpPortsInUse });
  }

  /**
   * Serves one request. The caller waits before it hands in the next.
   *
   * @throws GrammarError when the request is not permitted now
   */
  async serve(request: Request): Promise<Reply> {
    if (!PERMITTED[this.#state].has(request.type)) {
      throw new GrammarError(`${request.type} is not permitted when ${this.#state}`);
    }
    try {
      // Changes nothing, and connections wait for it.
      if (request.type === 'look-up') return await this.#lookUp(request);
      return await this.#alone(() => this.#perform(request));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return { type: 'failed', id: request.id, reason: error.message.slice(0, MAX_REASON_CHARACTERS) };
    }
  }

  /** Removes every rule and releases what held them. @throws Error naming what could not be removed */
  async end(why: SessionEnd): Promise<void> {
    try {
      this.#keeper?.stop();
      await this.#alone(async () => await this.#backend?.close());
      this.#backend = undefined;
      await this.#guardian?.release();
      this.#dnsChanged(null);
      // The rules name it, as those of the next helper will.
      if (why === 'client ended') this.#enclosure?.remove();
      this.#enclosure = undefined;
    } finally {
      for (const route of this.#routes.splice(0)) route.close();
    }
  }

  #leftUndone(): LeftUndone {
    const { leftZones = [], whyUdpLeaves } = this.#backend ?? {};
    return { zones: leftZones, udp: this.#udp.whyUdpLeaves ?? whyUdpLeaves ?? null };
  }

  async #lookUp({ id, originators }: Extract<Request, { type: 'look-up' }>): Promise<Reply> {
    const backend = this.#backend;
    if (backend?.lookUp === undefined)
      throw new GrammarError('the kernel tells everybody where connections go');
    return { type: 'looked-up', id, results: await backend.lookUp(originators) };
  }

  async #perform(request: Exclude<Request, { type: 'look-up' }>): Promise<Reply> {
    const { id } = request;
    switch (request.type) {
      case 'start': {
        const report = await this.#actions.cleanup();
        const facts = await this.#actions.probe(request.method, request.families);
        return { type: 'started', id, report, facts };
      }
      case 'cleanup':
        return { type: 'cleaned', id, report: await this.#actions.cleanup() };
      case 'use':
        await this.#use(request.candidate);
        break;
      case 'apply':
        this.#keepListenerPort(request.plan.listenerPort);
        await this.#change((backend) =>
          this.#udp.apply(backend, { ...placeCgroups(request.plan), userId: CALLER_ID }),
        );
        this.#plan = request.plan;
        this.#dnsChanged(request.plan.dns);
        this.#state = 'applied';
        return { type: 'applied', id, left: this.#leftUndone() };
      case 'route':
        if (this.#routes.length >= MAX_ROUTES) throw new GrammarError('there are many routes already');
        this.#routes.push(this.#actions.openRoute(request.network));
        break;
      case 'transparent':
        this.#keepListenerPort(this.#actions.makeTransparent(request.descriptors));
        break;
      case 'end-stranded': {
        const [{ connections }, plan] = [request, this.#plan];
        if (plan === undefined) return { type: 'stranded', id, fates: [] };
        const fates = await (this.#backend?.endStranded?.(connections) ??
          this.#actions.endStranded(connections, plan, this.#isRedirected));
        return { type: 'stranded', id, fates };
      }
      case 'enclose':
        if (this.#enclosure !== undefined) throw new GrammarError('a process is enclosed already');
        this.#enclosure = this.#actions.enclose(request.pid);
        return { type: 'enclosed', id, cgroup: this.#enclosure.cgroup };
      case 'look':
        return { type: 'looked', id, facts: await this.#backend!.look() };
    }
    return { type: 'done', id };
  }

  /** One change at a time, whoever wants it: a request, or the put-back of what somebody else has removed. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#lastTask.then(task);
    this.#lastTask = run.then(
      () => {},
      () => {},
    );
    return run;
  }

  /** What is refused because somebody else has removed rules is done when they are back. */
  async #change(change: (backend: RuleBackend) => Promise<void>): Promise<void> {
    if (this.#backend === undefined) return;
    try {
      await change(this.#backend);
    } catch (error) {
      if (!(error instanceof RefusedError) || (await this.#keeper?.mend()) !== true) throw error;
      await change(this.#backend);
    }
    await this.#keeper?.applied();
  }

  #dnsChanged(now: DnsRedirect | null): void {
    const before = this.#dns;
    this.#dns = now;
    this.#actions.forgetQueries(before, now);
  }

  async #use(candidate: Candidate): Promise<void> {
    if (!endsWithHelper(candidate) && (await this.#actions.mustEndWithHelper()))
      throw new RefusedError(`rules by ${candidate} would outlive this process, and nft's would not`);
    if (!endsWithHelper(candidate) || leavesHarmless(candidate)) {
      this.#guardian ??= await this.#actions.startGuardian();
      void this.#guardian.lost.then((reason) => this.#events.onLost(reason));
    }
    this.#isRedirected = methodRow(methodOf(candidate)).destinationsFrom !== 'own address';
    const backend = await this.#actions.openBackend(candidate);
    this.#backend = backend;
    this.#keeper = new RuleKeeper({
      backend,
      tell: (news) => this.#events.onRules(news),
      alone: (task) => this.#alone(task),
      watch: this.#actions.watch,
    });
    this.#state = 'ready';
  }

  /** The port names the table: another one would leave the first table behind. */
  #keepListenerPort(port: number): void {
    this.#listenerPort ??= port;
    if (this.#listenerPort !== port) throw new GrammarError('the listener port changed');
  }
}
