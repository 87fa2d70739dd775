import { messageOf } from '../../core/errors.ts';
import { GrammarError } from '../../net/field-reader.ts';
import type { DnsRedirect, RedirectPlan } from '../redirect-plan.ts';
import type { Candidate } from '../select.ts';
import { cleanUpDeadInstances } from './cleanup.ts';
import { forgetQueries } from './forget-queries.ts';
import { openBackend } from './open-backend.ts';
import { probeCandidates } from './probe.ts';
import { type HelperState, MAX_REASON_CHARACTERS, PERMITTED, type Reply, type Request } from './protocol.ts';
import { openRoute, type Route } from './route.ts';
import { RefusedError, type RuleBackend } from './rule-backend.ts';
import { endStrandedHere } from './stranded.ts';

/** What the session does to the machine; tests put their own here. */
export interface SessionActions {
  readonly probe: typeof probeCandidates;
  readonly cleanup: typeof cleanUpDeadInstances;
  readonly openBackend: (candidate: Candidate) => RuleBackend;
  readonly openRoute: typeof openRoute;
  readonly forgetQueries: (before: DnsRedirect | null, now: DnsRedirect | null) => void;
  readonly endStranded: typeof endStrandedHere;
}

const REAL_ACTIONS: SessionActions = {
  probe: probeCandidates,
  cleanup: cleanUpDeadInstances,
  openBackend,
  openRoute,
  forgetQueries,
  endStranded: endStrandedHere,
};

/** As many as a tunnel takes parts of its range for names. */
const MAX_ROUTES = 16;

/** The root side of one client: serves its requests in the order that {@link PERMITTED} allows, and undoes them. */
export class HelperSession {
  readonly #actions: SessionActions;
  readonly #onLost: (reason: string) => void;
  #state: HelperState = 'started';
  #backend: RuleBackend | undefined;
  #listenerPort: number | undefined;
  #dns: DnsRedirect | null = null;
  readonly #routes: Route[] = [];
  /** In force. */
  #plan: RedirectPlan | undefined;

  /** @param onLost called once at most, when rules went away that nobody had removed */
  constructor(onLost: (reason: string) => void, actions: SessionActions = REAL_ACTIONS) {
    this.#onLost = onLost;
    this.#actions = actions;
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
      return await this.#perform(request);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return { type: 'failed', id: request.id, reason: error.message.slice(0, MAX_REASON_CHARACTERS) };
    }
  }

  /** Removes every rule and releases what held them. @throws Error naming what could not be removed */
  async end(): Promise<void> {
    try {
      await this.#backend?.close();
      this.#backend = undefined;
      this.#dnsChanged(null);
    } finally {
      for (const route of this.#routes.splice(0)) route.close();
    }
  }

  async #perform(request: Request): Promise<Reply> {
    const { id } = request;
    switch (request.type) {
      case 'ping':
        break;
      case 'probe':
        return { type: 'probed', id, facts: await this.#actions.probe(request.method, request.families) };
      case 'cleanup':
        return { type: 'cleaned', id, report: await this.#actions.cleanup() };
      case 'use':
        this.#use(request.candidate);
        break;
      case 'apply':
        this.#keepListenerPort(request.plan.listenerPort);
        await this.#backend?.apply(request.plan);
        this.#plan = request.plan;
        this.#dnsChanged(request.plan.dns);
        this.#state = 'applied';
        break;
      case 'exempt':
        await this.#backend?.setExempt(request.endpoints);
        if (this.#plan !== undefined) this.#plan = { ...this.#plan, exempt: request.endpoints };
        break;
      case 'route':
        if (this.#routes.length >= MAX_ROUTES) throw new GrammarError('there are many routes already');
        this.#routes.push(this.#actions.openRoute(request.network));
        break;
      case 'end-stranded': {
        const plan = this.#plan;
        const fates = plan === undefined ? [] : this.#actions.endStranded(request.connections, plan);
        return { type: 'stranded', id, fates };
      }
      case 'look':
        return { type: 'looked', id, facts: await this.#backend!.look() };
      case 'remove':
        await this.#backend?.remove();
        this.#plan = undefined;
        this.#dnsChanged(null);
        this.#listenerPort = undefined;
        this.#state = 'ready';
        break;
    }
    return { type: 'done', id };
  }

  #dnsChanged(now: DnsRedirect | null): void {
    const before = this.#dns;
    this.#dns = now;
    this.#actions.forgetQueries(before, now);
  }

  #use(candidate: Candidate): void {
    const backend = this.#actions.openBackend(candidate);
    this.#backend = backend;
    this.#state = 'ready';
    backend.lost.then(this.#onLost, (error: unknown) => this.#onLost(messageOf(error)));
  }

  /** The port names the table: another one would leave the first table behind. */
  #keepListenerPort(port: number): void {
    this.#listenerPort ??= port;
    if (this.#listenerPort !== port) throw new GrammarError('the listener port changed');
  }
}
