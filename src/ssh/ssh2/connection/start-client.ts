import type { Socket } from 'node:net';
import type {
  CipherAlgorithm,
  Client,
  CompressionAlgorithm,
  ConnectConfig,
  KexAlgorithm,
  MacAlgorithm,
  ServerHostKeyAlgorithm,
} from 'ssh2';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import type { SshTarget } from '../../ssh-target.ts';
import { withoutCertificates } from '../internals/host-certificate-internals.ts';
import { exchangeHybrid } from '../internals/hybrid-exchange-internals.ts';
import { offerOwn, type ReadKexInit, withoutMethods } from '../internals/key-exchange-internals.ts';
import { HYBRID_METHOD, type HybridKeys } from '../key-exchange/hybrid.ts';

/** Options of {@link startClient}. */
export interface ClientStart {
  readonly target: SshTarget;
  /** Connected. */
  readonly socket: Socket;
  /** The preferred first; those of certificates only where one may count. */
  readonly hostKeyAlgorithms: readonly string[];
  /** Makes the keys of {@link HYBRID_METHOD}, where that is offered. */
  readonly newHybridKeys: () => HybridKeys;
  /** Called when the keys are exchanged, and the host key is accepted. */
  readonly onAuthenticating?: (() => void) | undefined;
}

/** Callbacks of ssh2 during a handshake. */
export type ClientCallbacks = Required<Pick<ConnectConfig, 'debug' | 'hostVerifier' | 'authHandler'>>;

/**
 * Has ssh2 begin the handshake. Timeouts and keepalives are not its own.
 *
 * @returns what each SSH_MSG_KEXINIT of the bastion has to pass
 * @throws TshuttleError ERR_CONFIG when this machine's OpenSSL has not what the algorithms need
 */
export function startClient(
  client: Client,
  { target, socket, hostKeyAlgorithms, newHybridKeys }: ClientStart,
  callbacks: ClientCallbacks,
): ReadKexInit {
  const { algorithms } = target;
  try {
    client.connect({
      ...callbacks,
      sock: socket,
      username: target.user,
      keepaliveInterval: 0,
      readyTimeout: 0,
      algorithms: {
        kex: [...withoutMethods(algorithms.keyExchange, [HYBRID_METHOD])] as KexAlgorithm[],
        serverHostKey: [...withoutCertificates(hostKeyAlgorithms)] as ServerHostKeyAlgorithm[],
        cipher: [...algorithms.cipher] as CipherAlgorithm[],
        hmac: [...algorithms.mac] as MacAlgorithm[],
        compress: [...algorithms.compression] as CompressionAlgorithm[],
      },
    });
  } catch (error) {
    throw new TshuttleError('ERR_CONFIG', `the ssh settings cannot be used here: ${messageOf(error)}`, {
      remedy: 'remove the algorithm that it names from the ssh configuration, or from -o',
      cause: error,
    });
  }
  return offerOwn(client, {
    keyExchange: algorithms.keyExchange,
    hostKey: hostKeyAlgorithms,
    methods: new Map([[HYBRID_METHOD, (exchange) => exchangeHybrid(exchange, newHybridKeys)]]),
  });
}
