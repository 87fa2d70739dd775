import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { OnStep } from '../../core/progress.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { NetworkWatch } from '../../net/machine/network-changes.ts';
import type { SshRequest } from '../../ssh/config/request.ts';
import { type LookUpHost, RememberedHosts } from '../../ssh/look-up.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import { nameTarget, type SshTarget } from '../../ssh/ssh-target.ts';
import type { BastionStanding } from '../status/status.ts';
import { BastionList } from './bastion-list.ts';
import { type ConnectionsOptions, openConnections } from './connections.ts';
import { dialEndpoints } from './dial-endpoints.ts';
import { Exemptions } from './exemptions.ts';
import type { OnDown } from './outages.ts';
import { ReconnectingTransport } from './reconnecting-transport.ts';
import { ReturnToFirst } from './return-to-first.ts';

/**
 * How long an attempt to connect again may take for one address, and for a name. TCP asks at the beginning, after 1 s and after
 * 3 s: the second one has time to be answered, and where the bastion has moved meanwhile it is found within 3 s.
 */
const CONNECT_TIMEOUT_MS = 2_500;
const LOOK_UP_TIMEOUT_MS = 3_000;

const MAX_REMEMBERED_WARNINGS = 100;

/** What is to be kept connected. */
export interface BastionOptions extends Omit<ConnectionsOptions, 'remote'> {
  /** What becomes of new flows while there is no connection. */
  readonly onDown: OnDown;
  /** How long a new flow waits for the connection. */
  readonly holdMs: number;
}

/** Dependencies of {@link openBastion}. */
export interface BastionContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening; after that use {@link Bastion.close}. */
  readonly signal: AbortSignal;
  /** Sets the rules anew, as {@link Bastion.exempt} has changed; resolves when that is in effect. With no rules there is nothing to do. */
  recapture(): Promise<void>;
  /** Called when the way to everywhere may be another one. */
  onNetworkChange(): void;
  /** Told of what the first connection waits for. */
  readonly onStep?: OnStep | undefined;
  /** See {@link ReturnToFirst}. */
  readonly returnQuietMs?: number;
}

/** One of the bastions of a tunnel. */
export interface NamedBastion {
  readonly request: SshRequest;
  readonly target: SshTarget;
}

/** Bastions that are connected to again and again, one at a time, and what must not be captured for that. */
interface Bastion {
  readonly transport: ReconnectingTransport;
  /** All that was dialled, where the connections lead, and the others that stand by: never to be captured. */
  exempt(): readonly Endpoint[];
  /** The one that is connected to, or was last. */
  target(): SshTarget;
  /** What is known of each; empty where there is only one. */
  standings(): readonly BastionStanding[];
  /** Idempotent; resolves when every connection is closed. */
  close(): Promise<void>;
}

/**
 * Connects to the first usable one of several bastions, and again whenever the connection is lost. Needs no ingress: its callers carry
 * flows over its transport.
 *
 * @param bastions at least one, in the order in which they are tried
 * @throws TshuttleError as `openConnections` does, when the first connection fails; nothing is left behind then
 */
export async function openBastion(
  bastions: readonly NamedBastion[],
  options: BastionOptions,
  context: BastionContext,
): Promise<Bastion> {
  const { logger } = context;
  const hosts = new RememberedHosts();
  const exemptions = new Exemptions(() => context.recapture());
  const hasty = bastions.map(({ target }) => withTimeout(target));
  const patient = warningOnce(logger);
  const isSeveral = bastions.length > 1;
  const names = bastions.map(({ target }) => nameTarget(target));
  const list = new BastionList(names, async (index, attempt, isFirst) => {
    const { request, target } = bastions[index]!;
    const connections = await openConnections(
      isFirst ? target : hasty[index]!,
      { ...options, remote: request },
      {
        ...attempt,
        logger: patient,
        beforeDial: (endpoint) => exemptions.add(endpoint),
        onStep: isFirst ? context.onStep : undefined,
        lookUp: isFirst ? hosts.lookUp : hosts.within(LOOK_UP_TIMEOUT_MS),
      },
    );
    await exemptions.settle(await connections.peers());
    return connections;
  });
  const transport = await ReconnectingTransport.open(
    {
      ...options,
      logger,
      prompter: context.prompter,
      ...(isSeveral ? { wouldAsk: () => list.wouldAsk } : {}),
    },
    (attempt, isFirst) => {
      exemptions.startOver();
      return list.connect(attempt, isFirst);
    },
    context.signal,
  );
  const back = isSeveral ? new ReturnToFirst(list, transport, logger, context.returnQuietMs) : undefined;
  if (isSeveral) void exemptOthers(bastions, exemptions, hosts.within(LOOK_UP_TIMEOUT_MS), logger);
  const network = new NetworkWatch((change) => {
    logger.debug(change === 'slept' ? 'this machine has slept' : 'the network of this machine has changed');
    transport.life.networkChanged();
    context.onNetworkChange();
  });
  const stop = async (): Promise<void> => {
    network.stop();
    await back?.stop();
  };
  const stopWithLife = (): void => {
    if (transport.life.state.kind === 'stopped') void stop();
  };
  transport.life.onChange(stopWithLife);
  stopWithLife();
  return {
    transport,
    exempt: () => exemptions.endpoints,
    target: () => bastions[list.used]!.target,
    standings: () => list.standings,
    close: async () => {
      await stop();
      await transport.close();
    },
  };
}

/** Those that stand by, before they are dialled: a user's own ssh to one of them is not to go through another. Never rejects. */
async function exemptOthers(
  bastions: readonly NamedBastion[],
  exemptions: Exemptions,
  lookUp: LookUpHost,
  logger: Logger,
): Promise<void> {
  const found = await Promise.all(bastions.map(({ target }) => dialEndpoints(target, lookUp)));
  await exemptions.keep(found.flat()).catch((error: unknown) => {
    logger.warn(`connections to the bastions that stand by may be captured: ${messageOf(error)}`);
  });
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
