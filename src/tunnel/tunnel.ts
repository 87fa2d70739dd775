import type { Socket } from 'node:net';
import { CleanupStack } from '../core/cleanup-stack.ts';
import { messageOf, type TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { oneAtATime } from '../core/one-at-a-time.ts';
import type { IncomingFlow } from '../ingress/incoming-flow.ts';
import { NO_REDIRECT } from '../ingress/no-redirect.ts';
import { openProxies, type ProxyListen } from '../ingress/proxies.ts';
import type { ProxyCredentials } from '../ingress/proxy-credentials.ts';
import { openRedirectIngress, type RedirectOptions } from '../ingress/redirect.ts';
import type { CaptureRule } from '../net/capture-rule.ts';
import type { HostPort } from '../net/endpoint.ts';
import { namesOnTheWay } from '../ssh/names-on-the-way.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { SshRequest } from '../ssh/request.ts';
import { resolveTarget } from '../ssh/target.ts';
import type { Transport } from '../ssh/transport.ts';
import { type BastionOptions, openBastion } from './bastion.ts';
import { capturableRules, warnOfProxyCommand, warnOfUnroutedNetworks } from './capturable-rules.ts';
import { TunnelDns } from './dns.ts';
import type { DnsOptions } from './dns-options.ts';
import { FlowTable } from './flow-table.ts';
import type { LifeCycle } from './life-cycle.ts';
import { describeCaptured, describeProxies, readyLine } from './ready-line.ts';
import { SplitCarrier, type SplitOptions } from './split.ts';
import { withRules } from './state.ts';
import {
  adviceFor,
  type FlowEnding,
  type FlowInfo,
  type ShownError,
  showError,
  type TunnelStatus,
} from './status.ts';

/** What a tunnel is to do. */
export interface TunnelOptions extends RedirectOptions, BastionOptions {
  readonly remote: SshRequest;
  readonly rules: readonly CaptureRule[];
  /** Whether connections and queries are captured at all; without it nothing needs root. */
  readonly captures: boolean;
  /** What no rule captures leaves from this machine itself; undefined: all that comes to us goes through the bastion. */
  readonly split: SplitOptions | undefined;
  /** Where flows come in by proxies of ours, which carry whatever their clients ask for. */
  readonly proxies: readonly ProxyListen[];
  readonly proxyCredentials: ProxyCredentials | undefined;
  /** Undefined leaves DNS alone. */
  readonly dns: DnsOptions | undefined;
  /** Where names keep their synthetic addresses from one run to the next. */
  readonly stateFolder: string;
}

/** What a tunnel needs of whoever runs it. */
export interface TunnelContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening; after that use {@link Tunnel.close}. */
  readonly signal: AbortSignal;
}

/** A tunnel that carries, and connects to the bastion again when the connection is lost. */
export interface Tunnel {
  /** One line for the user: what is captured now, through whom, with what. */
  readonly readyLine: string;
  /**
   * Resolves, never rejects, when the tunnel can no longer carry for another reason than {@link Tunnel.close}: the rules
   * cannot be vouched for, or the bastion is lost and `onDown` is `exit`.
   */
  readonly lost: Promise<TshuttleError>;
  /** Its proxies, with the ports that they have. */
  readonly proxies: readonly ProxyListen[];
  /** Opens a connection of our own. See `Transport.open`. */
  open(destination: HostPort, signal: AbortSignal): Promise<Socket>;
  /** All that is shown of it, now. */
  status(): TunnelStatus;
  /** The flows that are not over, the latest first, up to `limit`. */
  flows(limit: number): readonly FlowInfo[];
  /** How the last flows have ended, the latest first, up to `limit`; some hundreds are remembered. */
  endings(limit: number): readonly FlowEnding[];
  /** Has `listener` called after each change of the status' `state`. @returns what ends that */
  onChange(listener: () => void): () => void;
  /** Connects at once where the tunnel waits to. */
  retryNow(): void;
  /**
   * Connects at once, asking `prompter`: for the user, on whom a tunnel waits whose login was refused.
   *
   * @throws TshuttleError why the login failed
   */
  login(prompter: Prompter): Promise<void>;
  /**
   * Replaces what is captured at one instant; flows go on.
   *
   * @throws TshuttleError ERR_INTERCEPT_APPLY, and what was captured before still is
   */
  setRules(rules: readonly CaptureRule[]): Promise<void>;
  /** Answers names by other options; flows go on. Only of a tunnel that captures. See {@link TunnelDns.change}. */
  setDns(dns: DnsOptions | undefined): Promise<void>;
  /**
   * Resets the flows, then removes the rules and ends the helper. Idempotent.
   *
   * In this order, because a reset reaches its application only while the rules translate it back
   * (native-notes/reset.md); a connection that is captured meanwhile is reset too.
   */
  close(): Promise<void>;
}

/**
 * Opens a tunnel: the helper first, so that its password prompt comes before everything else, then the bastion, the
 * rules last. Closing is the reverse.
 *
 * @throws TshuttleError with the code of the part that failed, and nothing is left behind; AggregateError, that error
 *   first, when something is
 */
export async function openTunnel(options: TunnelOptions, context: TunnelContext): Promise<Tunnel> {
  const { logger, signal } = context;
  const cleanup = new CleanupStack();
  try {
    const target = await resolveTarget(options.remote, { logger, signal });
    signal.throwIfAborted();

    let flows: FlowTable | undefined;
    let transport: Transport | undefined;
    // Before the ingress, so that it is closed after the rules are gone.
    const dns = await TunnelDns.open(options.dns, {
      logger,
      ipv6: options.ipv6,
      wayToBastion: namesOnTheWay(target),
      bastion: `${target.user}@${target.requestedHost}:${target.port}`,
      stateFolder: options.stateFolder,
      namespace: options.namespace,
      open: (destination, openSignal) =>
        transport === undefined
          ? Promise.reject(new Error('no bastion yet'))
          : transport.open(destination, openSignal),
    });
    cleanup.push(() => dns.close());
    const accept = (flow: IncomingFlow): void => {
      // Only what is accepted holds its name.
      const named = flows === undefined ? flow : dns.named(flow);
      if (flows === undefined || named === undefined) flow.accepted.resetAndDestroy();
      else flows.accept(named);
    };
    const ingress = options.captures ? await openRedirectIngress(options, context, accept) : NO_REDIRECT;
    cleanup.push(() => ingress.close());
    signal.throwIfAborted();
    const proxies = await openProxies(options.proxies, {
      logger,
      credentials: options.proxyCredentials,
      onFlow: accept,
    });
    cleanup.push(() => proxies.close());
    let rules = capturableRules(options.rules, ingress.families, logger);
    if (options.captures && options.namespace === undefined) {
      await warnOfUnroutedNetworks(rules, logger);
      warnOfProxyCommand(target, logger);
    }
    const bastion = await openBastion(target, options, {
      ...context,
      setExempt: (endpoints) => ingress.setExempt(endpoints),
    });
    const { life } = bastion.transport;
    transport = bastion.transport;
    cleanup.push(() => bastion.transport.close());
    signal.throwIfAborted();
    const { split } = options;
    const table = new FlowTable(
      split === undefined ? bastion.transport : new SplitCarrier(bastion.transport, () => rules, split),
      logger,
    );
    flows = table;

    await dns.prepare({ rules: () => rules, ingress, bastionFiles: bastion.transport });
    signal.throwIfAborted();
    const isOpenToAll = (): boolean => options.onDown === 'direct' && life.outages.isDown;
    const capture = oneAtATime(async () => {
      if (isOpenToAll()) await ingress.capture([], bastion.exempt());
      else {
        await ingress.capture([...rules, ...dns.rules], bastion.exempt(), dns.redirectFor(ingress.families));
      }
    });
    await capture();
    signal.throwIfAborted();
    dns.follow(capture);
    if (options.onDown === 'direct') followWith(capture, isOpenToAll, life, logger);

    let ingressError: ShownError | undefined;
    void ingress.lost.then((error) => {
      ingressError = showError(error);
    });
    return {
      get readyLine() {
        return readyLine(
          [describeCaptured(rules, dns.description), describeProxies(proxies.listens)],
          bastion.transport,
          ingress,
        );
      },
      lost: Promise.race([life.lost, ingress.lost]),
      proxies: proxies.listens,
      open: (destination, openSignal) => bastion.transport.open(destination, openSignal),
      status: () => {
        const { now, held, total, bytesUp, bytesDown } = table.totals();
        const lastError = ingressError ?? life.outages.lastError ?? null;
        const state = withRules(life.state, ingress.rulesGoneSinceMs);
        return {
          state,
          bastion: bastion.transport.description,
          roundTripMs: bastion.transport.roundTripMs ?? null,
          flows: { now, held, total },
          bytesUp,
          bytesDown,
          reconnects: life.outages.reconnects,
          lastError,
          advice: adviceFor(state, lastError),
        };
      },
      onChange: (listener) => life.onChange(listener),
      retryNow: () => life.retryNow(),
      login: (prompter) => life.login(prompter),
      flows: (limit) => table.list(limit),
      endings: (limit) => table.endings(limit),
      setRules: async (wanted) => {
        // What of it is left out has been said at the start.
        rules = wanted.filter(({ cidr }) => ingress.families.includes(cidr.family));
        await capture();
      },
      setDns: (wanted) => dns.change(wanted),
      close: () => cleanup.release(),
    };
  } catch (error) {
    await cleanup.release().catch((failure: unknown) => {
      throw new AggregateError([error, failure], 'could not open the tunnel, nor release what it had');
    });
    throw error;
  }
}

/** Has the rules follow whether the bastion is down. */
function followWith(
  capture: () => Promise<void>,
  isOpenToAll: () => boolean,
  life: LifeCycle,
  logger: Logger,
): void {
  let wasOpen = false;
  life.onChange(() => {
    if (life.state.kind === 'stopped' || isOpenToAll() === wasOpen) return;
    wasOpen = isOpenToAll();
    capture().catch((error: unknown) => logger.warn(`the rules do not follow: ${messageOf(error)}`));
  });
}
