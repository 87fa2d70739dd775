import type { Logger } from '../core/log.ts';
import { type Endpoint, sameEndpoint } from '../net/endpoint.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { PublicKey } from '../ssh/public-key.ts';
import type { SshTarget } from '../ssh/ssh-target.ts';
import { hasNativeCrypto } from '../ssh/ssh2/connection-internals.ts';
import { ConnectionPool } from '../ssh/ssh2/connection-pool.ts';
import { openSsh2Transport } from '../ssh/ssh2/transport.ts';
import type { Transport } from '../ssh/transport.ts';

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

/**
 * Connects to the bastion; further connections are opened as flows come, where nobody has to be asked for them.
 *
 * @throws TshuttleError as `openSsh2Transport` does; nothing is left behind then
 */
export async function openConnections(
  target: SshTarget,
  options: {
    readonly mayOpenSession: boolean;
    readonly connections: number;
  },
  context: ConnectionsContext,
): Promise<Connections> {
  const { logger } = context;
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
