import type { Socket } from 'node:net';
import { messageOf, systemCodeOf, type TshuttleError } from '../core/errors.ts';
import type { LogFields, Logger } from '../core/log.ts';
import { helperCommandBehind } from '../intercept/helper/command.ts';
import type { InterceptMethod } from '../intercept/interceptor.ts';
import { type LastingInterceptor, openLastingInterceptor } from '../intercept/lasting-interceptor.ts';
import { planRedirects } from '../intercept/plan.ts';
import type { DnsRedirect } from '../intercept/redirect-plan.ts';
import type { CaptureRule } from '../net/capture-rule.ts';
import { type Cidr, numberToAddress, parseCidr } from '../net/cidr.ts';
import { type Endpoint, formatEndpoint, type IpFamily, makeEndpoint } from '../net/endpoint.ts';
import { type ListenAddresses, type Listeners, openListeners } from '../net/listener.ts';
import { isOwnListener } from '../net/local-addresses.ts';
import { originalDestination } from '../net/native-original-destination.ts';
import { prepareSocketOptions } from '../net/native-socket-option.ts';
import type { NetworkNamespace } from '../net/network-namespace.ts';
import { ALL_PORTS } from '../net/port-range.ts';
import type { RedirectedConnection, StrandedFate } from '../net/redirected-connection.ts';
import type { IncomingFlow } from './incoming-flow.ts';

/** How connections are to be caught. */
export interface RedirectOptions {
  /** Undefined: 127.0.0.1 and, where the machine has it and `ipv6` is on, ::1. */
  readonly listen: ListenAddresses | undefined;
  readonly ipv6: boolean;
  readonly method: 'auto' | InterceptMethod;
  /** Captures the connections of this namespace, all of them, and not the machine's. */
  readonly namespace: NetworkNamespace | undefined;
}

/** What {@link openRedirectIngress} needs of its caller. */
export interface RedirectContext {
  readonly logger: Logger;
  /** Ends the opening, a password prompt included. */
  readonly signal: AbortSignal;
  /** Called when nobody is asked for a password any more. */
  readonly onStarted: () => void;
}

/** Flows that kernel rules redirect to listeners of ours. */
export interface RedirectIngress {
  readonly method: InterceptMethod | 'none';
  /** The families that can be captured. */
  readonly families: readonly IpFamily[];
  /** Resolves, never rejects, when the rules can no longer be vouched for. */
  readonly lost: Promise<TshuttleError>;
  /** Since when nothing is captured, because the root helper is being started again; ms since 1970. */
  readonly rulesGoneSinceMs: number | undefined;
  /**
   * Sets the rules: from now on connections arrive. Repeatable; the latest call decides.
   *
   * @throws TshuttleError ERR_INTERCEPT_APPLY when the system refused them
   */
  capture(rules: readonly CaptureRule[], exempt: readonly Endpoint[], dns?: DnsRedirect): Promise<void>;
  /** Sets the endpoints that are never captured; when it has resolved, a SYN to one of them passes. */
  setExempt(endpoints: readonly Endpoint[]): Promise<void>;
  /** Makes a route to an IPv4 network that has none, so that it can be captured. See {@link Interceptor.addRoute}. */
  addRoute(network: Cidr): Promise<void>;
  /** Ends the applications' sockets of flows that no reset has reached. See {@link Interceptor.endStranded}. */
  endStranded(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]>;
  /** Removes the rules, then stops listening. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the root helper (which may ask for a password) and the listeners; no rule is set yet.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE, ERR_NO_INTERCEPTOR, ERR_LISTEN; nothing is left behind then
 */
export async function openRedirectIngress(
  options: RedirectOptions,
  { logger, signal, onStarted }: RedirectContext,
  onFlow: (flow: IncomingFlow) => void,
): Promise<RedirectIngress> {
  const { method, namespace } = options;
  const inside = namespace === undefined ? {} : { command: helperCommandBehind(namespace.asRoot) };
  const interceptor = await openLastingInterceptor({ method, logger, signal, onStarted, ...inside });
  let listeners: Listeners;
  try {
    prepareSocketOptions();
    listeners = await listenAsAsked(options, (accepted, family) => {
      const flow = incomingFlow(accepted, family, listeners.port, logger);
      if (flow !== undefined) onFlow(flow);
    });
  } catch (error) {
    await interceptor.close();
    throw error;
  }
  const ingress = redirectIngress(interceptor, listeners);
  return namespace === undefined ? ingress : capturingAll(ingress);
}

function redirectIngress(interceptor: LastingInterceptor, listeners: Listeners): RedirectIngress {
  const families = listeners.families.filter((family) => interceptor.families.includes(family));
  return {
    method: interceptor.method,
    families,
    lost: interceptor.lost,
    get rulesGoneSinceMs() {
      return interceptor.rulesGoneSinceMs;
    },
    capture: (rules, exempt, dns) =>
      interceptor.apply(planRedirects({ rules, exempt, dns, listenerPort: listeners.port, families })),
    setExempt: (endpoints) => interceptor.setExempt(endpoints),
    addRoute: ({ family, first, prefixLength }) =>
      interceptor.addRoute({ address: numberToAddress(family, first), prefixLength }),
    endStranded: (connections) => interceptor.endStranded(connections),
    close: async () => {
      try {
        await interceptor.close();
      } finally {
        await listeners.close();
      }
    },
  };
}

/**
 * In a namespace nothing leads past us, and what is not captured is relayed: no connection, and no query, is exempt. Nor does
 * any network want for a route.
 */
function capturingAll(ingress: RedirectIngress): RedirectIngress {
  const all = ['0.0.0.0/0', '::/0'].map(
    (text): CaptureRule => ({ action: 'include', cidr: parseCidr(text)!, ports: ALL_PORTS }),
  );
  return {
    ...ingress,
    get rulesGoneSinceMs() {
      return ingress.rulesGoneSinceMs;
    },
    capture: (_rules, _exempt, dns) =>
      ingress.capture(all, [], dns === undefined ? undefined : { ...dns, exemptPorts: [] }),
    setExempt: async () => {},
    addRoute: async () => {},
  };
}

async function listenAsAsked(
  options: RedirectOptions,
  onAccepted: (accepted: Socket, family: IpFamily) => void,
): Promise<Listeners> {
  if (options.listen !== undefined) return openListeners(options.listen, onAccepted, options.namespace);
  const ipv4Only = { address4: '127.0.0.1', address6: undefined, port: undefined };
  if (!options.ipv6) return openListeners(ipv4Only, onAccepted, options.namespace);
  try {
    return await openListeners({ ...ipv4Only, address6: '::1' }, onAccepted, options.namespace);
  } catch (error) {
    const code = systemCodeOf(error instanceof Error ? error.cause : undefined);
    const hasNoIpv6 = code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL';
    if (!hasNoIpv6) throw error;
    return openListeners(ipv4Only, onAccepted, options.namespace);
  }
}

/** A flow, or undefined when the connection is none: then it is reset here. */
function incomingFlow(
  accepted: Socket,
  family: IpFamily,
  listenerPort: number,
  logger: Logger,
): IncomingFlow | undefined {
  const originator = makeEndpoint(accepted.remoteAddress ?? '', accepted.remotePort ?? 0);
  try {
    const destination = originalDestination(accepted, family);
    if (originator !== undefined && !isOwnListener(destination, listenerPort)) {
      return { accepted, destination, originator };
    }
    logger.info('closed a connection to our own listener that was not redirected', from(originator));
  } catch (error) {
    logger.info(`closed a connection: ${messageOf(error)}`, from(originator));
  }
  accepted.resetAndDestroy();
  return undefined;
}

function from(originator: Endpoint | undefined): LogFields {
  return { originator: originator === undefined ? 'unknown' : formatEndpoint(originator) };
}
