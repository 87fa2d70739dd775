import type { Logger } from '../core/log.ts';
import { type Endpoint, sameEndpoint } from '../net/endpoint.ts';
import { allOpensshNeeds } from '../ssh/openssh-needs.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { PublicKey } from '../ssh/public-key.ts';
import type { SshRequest } from '../ssh/request.ts';
import type { SshTarget } from '../ssh/ssh-target.ts';
import { hasNativeCrypto } from '../ssh/ssh2/connection-internals.ts';
import { ConnectionPool } from '../ssh/ssh2/connection-pool.ts';
import { isDisagreement } from '../ssh/ssh2/handshake-error.ts';
import { openSsh2Transport } from '../ssh/ssh2/transport.ts';
import type { Transport } from '../ssh/transport.ts';
import type { TransportChoice } from '../ssh/transport-choice.ts';
import { openOpensshConnections } from './openssh-connections.ts';

const WITHOUT_NATIVE_CRYPTO =
  "ssh2's native crypto was not built at installation: everything works, at up to twice the CPU; to get it, with a " +
  'compiler installed: npm install-scripts approve ssh2 cpu-features && npm rebuild ssh2 cpu-features';

/** What {@link openConnections} needs of the tunnel. */
interface ConnectionsContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening of the first connection. */
  readonly signal: AbortSignal;
  /** Has endpoints never captured, in all the whole list; resolves when that is in effect. */
  setExempt(endpoints: readonly Endpoint[]): Promise<void>;
}

/** The connections of a tunnel to its bastion. */
interface Connections extends Transport {
  /** All that was dialled for them, and where they lead: never to be captured. Never rejects. */
  exempt(): Promise<readonly Endpoint[]>;
  /** Reads a small text file of the bastion. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
}

/** How {@link openConnections} is to connect. */
interface ConnectionsOptions {
  readonly remote: SshRequest;
  readonly transport: TransportChoice;
  readonly mayOpenSession: boolean;
  readonly connections: number;
}

/**
 * Connects to the bastion, by the transport that was chosen, or that the configuration and the bastion call for.
 *
 * @throws TshuttleError as `openSsh2Transport` and `openOpensshTransport` do; nothing is left behind then
 */
export async function openConnections(
  target: SshTarget,
  options: ConnectionsOptions,
  context: ConnectionsContext,
): Promise<Connections> {
  const { kind } = options.transport;
  if (kind === 'openssh') return await openOpensshConnections(target, options, context);
  const needs = await allOpensshNeeds(target, context.signal);
  const refused = needs.find(({ error }) => error !== undefined)?.error;
  if (kind === 'ssh2' && refused !== undefined) throw refused;
  const useOpenssh = async (reason: string): Promise<Connections> => {
    context.logger.warn(`transport openssh, not ssh2: ${reason}`);
    return await openOpensshConnections(target, options, context);
  };
  if (kind === 'auto' && needs.length > 0) return await useOpenssh(needs.map(({ what }) => what).join(', '));
  try {
    return await openSsh2Connections(target, options, context);
  } catch (error) {
    // Nothing has been authenticated yet, so that ssh's is the first attempt.
    if (kind !== 'auto' || !isDisagreement(error)) throw error;
    return await useOpenssh(error.message);
  }
}

/** Further connections are opened as flows come, where nobody has to be asked for them. */
async function openSsh2Connections(
  target: SshTarget,
  options: ConnectionsOptions,
  context: ConnectionsContext,
): Promise<Connections> {
  const { logger } = context;
  const unused = notInSsh2(target);
  if (unused.length > 0) logger.warn(`not used from the ssh configuration: ${unused.join(', ')}`);
  const dialled: Endpoint[] = [];
  const heldHostKeys = new Map<SshTarget, PublicKey>();
  const open = (prompter: Prompter, signal: AbortSignal, onInteractive?: () => void) =>
    openSsh2Transport(target, {
      logger,
      prompter,
      signal,
      onInteractive,
      heldHostKeys,
      mayOpenSession: options.mayOpenSession,
      beforeDial: (endpoint) => {
        if (!dialled.some((known) => sameEndpoint(known, endpoint))) dialled.push(endpoint);
        return context.setExempt(dialled);
      },
    });

  let hasAsked = false;
  const onAsked = (): void => {
    hasAsked = true;
  };
  const first = await open(noticing(context.prompter, onAsked), context.signal, onAsked);
  if (!hasNativeCrypto()) logger.warn(WITHOUT_NATIVE_CRYPTO);
  const openAnother = hasAsked
    ? { whyNot: 'logging in again would ask again' }
    : runsCommand(target)
      ? { whyNot: 'what its ProxyCommand connects to now would be captured' }
      : (signal: AbortSignal) => open(NOBODY, signal);
  const pool = new ConnectionPool(first, { connections: options.connections, logger, openAnother });
  return Object.assign(pool, {
    exempt: async () => {
      const peers = await pool.peers();
      return [...dialled, ...peers.filter((peer) => !dialled.some((known) => sameEndpoint(known, peer)))];
    },
    readFile: (path: string) =>
      options.mayOpenSession ? first.readFile(path) : Promise.reject(new Error('--no-session')),
  });
}

/** What of the configuration is done without, on the whole way. */
function notInSsh2({ proxy, openssh }: SshTarget): readonly string[] {
  return [...(proxy.kind === 'jump' ? notInSsh2(proxy.jumpHost) : []), ...openssh.notInSsh2];
}

/** For what must not ask. */
const NOBODY: Prompter = {
  available: false,
  mayAskAgain: false,
  ask: async () => undefined,
  show: () => {},
};

/** Whether a ProxyCommand leads to the bastion or to the first jump host. */
function runsCommand({ proxy }: SshTarget): boolean {
  return proxy.kind === 'jump' ? runsCommand(proxy.jumpHost) : proxy.kind === 'command';
}

/** A prompter that tells when it is used. */
function noticing(prompter: Prompter, onAsked: () => void): Prompter {
  return {
    get available() {
      return prompter.available;
    },
    mayAskAgain: prompter.mayAskAgain,
    ask: (question, options) => {
      onAsked();
      return prompter.ask(question, options);
    },
    show: (text) => prompter.show(text),
  };
}
