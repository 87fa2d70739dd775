import type { Socket } from 'node:net';
import type { Client } from 'ssh2';
import { TshuttleError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import type { OnStep } from '../../../core/progress.ts';
import type { Endpoint } from '../../../net/address/endpoint.ts';
import type { NegotiatedAlgorithms } from '../../agreement.ts';
import { heldKeyAlgorithms, orderHostKeyAlgorithms } from '../../host-keys/host-key-decision.ts';
import type { KnownHostEntry } from '../../host-keys/known-hosts.ts';
import { askKnownHostsCommand } from '../../host-keys/known-hosts-command.ts';
import { readKnownHosts } from '../../host-keys/known-hosts-files.ts';
import type { KeyOptions } from '../../key-options.ts';
import { fingerprintOf, keyTypeName, type PublicKey } from '../../keys/public-key.ts';
import { hasAnswered, perhapsBanned } from '../../login/shut-out.ts';
import type { LookUpHost } from '../../look-up.ts';
import type { Prompter } from '../../prompter.ts';
import { nameTarget, type SshTarget } from '../../ssh-target.ts';
import { type OpenJumpHost, openRoute, type Route } from './route.ts';

/** Dependencies of {@link connectBastion}. */
export interface ConnectContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the attempt at any point; no socket is left. Has no effect once connected. */
  readonly signal: AbortSignal;
  /** Awaited before the first packet to an address leaves, so that it can be exempt from our own redirect. */
  beforeDial(endpoint: Endpoint): Promise<void>;
  /** Awaited before a ProxyCommand begins, with the id of its process, for the same purpose. */
  readonly beforeProxyCommand?: ((pid: number) => Promise<void>) | undefined;
  /**
   * The host keys of connections made before, to which further connections are held: they show the same, or are refused.
   * A key is added when its bastion has let us in.
   */
  readonly heldHostKeys?: Map<SshTarget, PublicKey> | undefined;
  /** For every host that is dialled; the resolver of this machine when left out. */
  readonly lookUp?: LookUpHost | undefined;
  /** Called when a bastion on the way asks by keyboard-interactive, or a key has its user do something. */
  readonly onInteractive?: (() => void) | undefined;
  /** Called when something has answered: the bastion, or what leads to it, accepted a connection. */
  readonly onReached?: (() => void) | undefined;
  /** Told of what is waited for. */
  readonly onStep?: OnStep | undefined;
  /** How jump hosts are connected to; without it there are none. */
  readonly openJumpHost?: OpenJumpHost;
}

/** An authenticated connection to a bastion, with no channel yet. The caller owns `client`, and with it the socket. */
export interface ConnectedBastion {
  /** Has an `error` listener already. ssh2's own keepalive and timeouts are off. */
  readonly client: Client;
  /** The client's connection, TCP with TCP_NODELAY or a unix socket of the route's. */
  readonly socket: Socket;
  /** What the socket runs over; to be closed after the socket. */
  readonly route: Route;
  readonly target: SshTarget;
  /** For people: `user@bastion (203.0.113.7:22)`. */
  readonly description: string;
  /** `SHA256:...` */
  readonly hostKeyFingerprint: string;
  readonly algorithms: NegotiatedAlgorithms;
  /** Of the keys that let us in. Complete only after a round trip: sshd tells them after authentication. */
  keyOptions(): readonly KeyOptions[];
}

/**
 * Reaches a bastion, checks its host key and authenticates.
 *
 * @throws TshuttleError ERR_BASTION_UNREACHABLE, ERR_HOST_KEY, ERR_BASTION_AUTH, or ERR_CONFIG where no algorithm is common.
 *   Only the first is worth another attempt without the user. With an aborted signal, its reason.
 */
export async function connectBastion(target: SshTarget, context: ConnectContext): Promise<ConnectedBastion> {
  context.signal.throwIfAborted();
  const heldKey = context.heldHostKeys?.get(target);
  const knownHosts = readKnownHosts(target.hostKeys);
  const hostKeyAlgorithms =
    heldKey === undefined
      ? await chooseHostKeyAlgorithms(target, knownHosts, context)
      : heldKeyAlgorithms(target.algorithms.hostKey, heldKey);
  const route = await openRoute(target, {
    openJumpHost: noJumpHost,
    ...context,
    // ssh2 is loaded while the bastion is being reached (native-notes/module-loading.md); who needs it is told why it is not.
    onUnderWay: () => void import('./handshake.ts').catch(() => {}),
  }).catch((error: unknown) => {
    if (target.proxy.kind !== 'none') throw error;
    throw perhapsBanned(error, heldKey !== undefined || hasAnswered(target, knownHosts));
  });
  context.onReached?.();
  context.onStep?.(`connecting to ${nameTarget(target)}: waiting for its host key`);
  try {
    const { shakeHands } = await import('./handshake.ts');
    const { client, hostKey, algorithms, keyOptions } = await shakeHands({
      ...context,
      target,
      route,
      socket: route.socket,
      knownHosts,
      heldKey,
      hostKeyAlgorithms,
      onAuthenticating: () => context.onStep?.(`connecting to ${nameTarget(target)}: logging in`),
    });
    context.heldHostKeys?.set(target, hostKey);
    const description = `${target.user}@${target.requestedHost} (${route.description})`;
    const hostKeyFingerprint = fingerprintOf(hostKey);
    context.logger.debug(`connected to ${description}`, {
      fingerprint: `${keyTypeName(hostKey.type)} ${hostKeyFingerprint}`,
      ...algorithms,
    });
    const { socket } = route;
    return { client, socket, route, target, description, hostKeyFingerprint, algorithms, keyOptions };
  } catch (error) {
    const isOfTheWay = error instanceof TshuttleError && error.code === 'ERR_BASTION_UNREACHABLE';
    route.socket.destroy();
    const explained = isOfTheWay ? await route.explain(error) : error;
    await route.close();
    throw explained;
  }
}

function noJumpHost(): Promise<never> {
  return Promise.reject(new TshuttleError('ERR_INTERNAL', 'no jump host can be connected to from here'));
}

async function chooseHostKeyAlgorithms(
  { algorithms, hostKeys }: SshTarget,
  knownHosts: readonly KnownHostEntry[],
  context: ConnectContext,
): Promise<readonly string[]> {
  const question = { invocation: 'ORDER', name: hostKeys.lookupName } as const;
  const told = await askKnownHostsCommand(hostKeys.knownHostsCommand, question, context);
  return orderHostKeyAlgorithms(algorithms.hostKey, hostKeys, [...knownHosts, ...told]);
}
