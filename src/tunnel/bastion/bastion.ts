import type { Logger } from '../../core/log.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { NetworkWatch } from '../../net/machine/network-changes.ts';
import { RememberedHosts } from '../../ssh/look-up.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import type { SshTarget } from '../../ssh/ssh-target.ts';
import { type ConnectionsOptions, openConnections } from './connections.ts';
import { Exemptions } from './exemptions.ts';
import type { OnDown } from './outages.ts';
import { ReconnectingTransport } from './reconnecting-transport.ts';
import type { Attempt } from './running-attempt.ts';

/**
 * How long an attempt to connect again may take for one address, and for a name. TCP asks at the beginning, after 1 s and after
 * 3 s: the second one has time to be answered, and where the bastion has moved meanwhile it is found within 3 s.
 */
const CONNECT_TIMEOUT_MS = 2_500;
const LOOK_UP_TIMEOUT_MS = 3_000;

const MAX_REMEMBERED_WARNINGS = 100;

/** What is to be kept connected. */
export interface BastionOptions extends ConnectionsOptions {
  /** What becomes of new flows while there is no connection. */
  readonly onDown: OnDown;
  /** How long a new flow waits for the connection. */
  readonly holdMs: number;
}

/** Dependencies of {@link openBastion}. */
export interface BastionContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening; after that use {@link ReconnectingTransport.close}. */
  readonly signal: AbortSignal;
  /** Sets the rules anew, as {@link Bastion.exempt} has changed; resolves when that is in effect. With no rules there is nothing to do. */
  recapture(): Promise<void>;
  /** Called when the way to everywhere may be another one. */
  onNetworkChange(): void;
}

/** A bastion that is connected to again and again, and what must not be captured for that. */
interface Bastion {
  readonly transport: ReconnectingTransport;
  /** All that was dialled, and where the connections lead: never to be captured. */
  exempt(): readonly Endpoint[];
}

/**
 * Connects to a bastion, and again whenever the connection is lost. Needs no ingress: its callers carry flows over its
 * transport.
 *
 * @throws TshuttleError as `openConnections` does, when the first connection fails; nothing is left behind then
 */
export async function openBastion(
  target: SshTarget,
  options: BastionOptions,
  context: BastionContext,
): Promise<Bastion> {
  const { logger } = context;
  const hosts = new RememberedHosts();
  const exemptions = new Exemptions(() => context.recapture());
  const hasty = withTimeout(target);
  const patient = warningOnce(logger);
  const open = async (attempt: Attempt, isFirst: boolean) => {
    exemptions.startOver();
    const connections = await openConnections(isFirst ? target : hasty, options, {
      ...attempt,
      logger: patient,
      beforeDial: (endpoint) => exemptions.add(endpoint),
      lookUp: isFirst ? hosts.lookUp : hosts.within(LOOK_UP_TIMEOUT_MS),
    });
    await exemptions.settle(await connections.peers());
    return connections;
  };
  const transport = await ReconnectingTransport.open(
    { ...options, logger, prompter: context.prompter },
    open,
    context.signal,
  );
  const network = new NetworkWatch((change) => {
    logger.debug(change === 'slept' ? 'this machine has slept' : 'the network of this machine has changed');
    transport.life.networkChanged();
    context.onNetworkChange();
  });
  const stopWithLife = (): void => {
    if (transport.life.state.kind === 'stopped') network.stop();
  };
  transport.life.onChange(stopWithLife);
  stopWithLife();
  return { transport, exempt: () => exemptions.endpoints };
}

/** A note about the configuration is logged once, not with every connection. */
function warningOnce(logger: Logger): Logger {
  const said = new Set<string>();
  const warn: Logger['warn'] = (message, fields) => {
    if (said.has(message)) {
      logger.debug(message, fields);
      return;
    }
    if (said.size < MAX_REMEMBERED_WARNINGS) said.add(message);
    logger.warn(message, fields);
  };
  return {
    debug: (message, fields) => logger.debug(message, fields),
    info: (message, fields) => logger.info(message, fields),
    error: (message, fields) => logger.error(message, fields),
    warn,
  };
}

/** Flows may wait for the connection. */
function withTimeout(target: SshTarget): SshTarget {
  const { proxy } = target;
  return {
    ...target,
    connectTimeoutMs: Math.min(target.connectTimeoutMs, CONNECT_TIMEOUT_MS),
    proxy: proxy.kind === 'jump' ? { ...proxy, jumpHost: withTimeout(proxy.jumpHost) } : proxy,
  };
}
