import type { Logger } from '../../core/log.ts';
import type { OnStep } from '../../core/progress.ts';
import { type Endpoint, formatEndpoint } from '../../net/address/endpoint.ts';
import type { TransportChoice } from '../../ssh/choose-transport.ts';
import { allOpensshNeeds } from '../../ssh/config/openssh-needs.ts';
import type { SshRequest } from '../../ssh/config/request.ts';
import type { PublicKey } from '../../ssh/keys/public-key.ts';
import type { LookUpHost } from '../../ssh/look-up.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import { nameTarget, type SshTarget } from '../../ssh/ssh-target.ts';
import { isDisagreement } from '../../ssh/ssh2/connection/handshake-error.ts';
import { ConnectionPool } from '../../ssh/ssh2/pool/connection-pool.ts';
import { openSsh2Transport } from '../../ssh/ssh2/transport.ts';
import type { BastionProgram, ProgramListener, Transport } from '../../ssh/transport.ts';

/** Dependencies of {@link openConnections}. */
export interface ConnectionsContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening of the first connection. */
  readonly signal: AbortSignal;
  /** Has an endpoint never captured; resolves when that is in effect. */
  beforeDial(endpoint: Endpoint): Promise<void>;
  readonly lookUp: LookUpHost;
  /** Called when the user is asked, here or by the bastion. */
  onAsked(): void;
  /** Called when something has answered on the way to the bastion; before ssh is started, which does not tell. */
  readonly onReached?: (() => void) | undefined;
  /** Told of what the first connection waits for; of nothing while ssh logs in, which asks by itself. */
  readonly onStep?: OnStep | undefined;
}

/** What is to be connected, and how. */
export interface ConnectionsOptions {
  readonly remote: SshRequest;
  readonly transport: TransportChoice;
  /** Whether a session may run `true` on the bastion, so that it sends small answers at once. */
  readonly mayOpenSession: boolean;
  /** Over how many ssh connections flows are spread. */
  readonly connections: number;
}

/** The connections of a tunnel to its bastion, until they are lost. */
export interface Connections extends Transport {
  /** Where they lead now. Never rejects. */
  peers(): Promise<readonly Endpoint[]>;
  /** Reads a small text file of the bastion. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
  /** What a command on the bastion says. @throws Error with a reason for people */
  run(command: string): Promise<string>;
  /** Runs a program on the bastion, if it may run; left out where that cannot be. */
  start?(command: string, listener: ProgramListener): BastionProgram;
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
  const mayAsk = context.prompter !== NOBODY;
  const openByOpenssh = async () => {
    context.onReached?.();
    context.onStep?.(undefined);
    const { openOpensshConnections } = await import('./openssh-connections.ts');
    return await openOpensshConnections(target, options, { ...context, mayAsk });
  };
  if (kind === 'openssh') return await openByOpenssh();
  context.onStep?.(`connecting to ${nameTarget(target)}`);
  const needs = await allOpensshNeeds(target, context.signal);
  const refused = needs.find(({ error }) => error !== undefined)?.error;
  if (kind === 'ssh2' && refused !== undefined) throw refused;
  const useOpenssh = async (reason: string): Promise<Connections> => {
    context.logger.warn(`transport openssh, not ssh2: ${reason}`);
    return await openByOpenssh();
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
  const { logger, beforeDial, lookUp, onReached, onStep } = context;
  const { mayOpenSession } = options;
  const unused = notInSsh2(target);
  if (unused.length > 0) logger.warn(`not used from the ssh configuration: ${unused.join(', ')}`);
  const heldHostKeys = new Map<SshTarget, PublicKey>();
  const open = (prompter: Prompter, signal: AbortSignal, onInteractive?: () => void, step?: OnStep) =>
    openSsh2Transport(target, {
      logger,
      prompter,
      signal,
      onInteractive,
      heldHostKeys,
      mayOpenSession,
      onStep: step,
      beforeDial: (endpoint) => {
        step?.(`connecting to ${nameTarget(target)}: no answer yet from ${formatEndpoint(endpoint)}`);
        return beforeDial(endpoint);
      },
      lookUp: (host, family) => {
        step?.(`connecting to ${nameTarget(target)}: looking up ${host}`);
        return lookUp(host, family);
      },
      onReached,
    });

  let hasAsked = false;
  const onAsked = (): void => {
    hasAsked = true;
    context.onAsked();
  };
  const first = await open(noticing(context.prompter, onAsked), context.signal, onAsked, onStep);
  const openAnother = hasAsked
    ? { whyNot: 'logging in again would ask again' }
    : runsCommand(target)
      ? { whyNot: 'what its ProxyCommand connects to now would be captured' }
      : (signal: AbortSignal) => open(NOBODY, signal);
  const pool = new ConnectionPool(first, { connections: options.connections, logger, openAnother });
  return Object.assign(pool, {
    readFile: (path: string) =>
      mayOpenSession ? first.readFile(path) : Promise.reject(new Error('--no-session')),
    run: (command: string) =>
      mayOpenSession ? first.run(command) : Promise.reject(new Error('--no-session')),
  });
}

/** What of the configuration is done without, on the whole way. */
function notInSsh2({ proxy, openssh }: SshTarget): readonly string[] {
  return [...(proxy.kind === 'jump' ? notInSsh2(proxy.jumpHost) : []), ...openssh.notInSsh2];
}

/** For what must not ask. */
export const NOBODY: Prompter = {
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
    waitForNextCode: prompter.waitForNextCode,
    ask: (question, options) => {
      onAsked();
      return prompter.ask(question, options);
    },
    show: (text) => prompter.show(text),
  };
}
