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
import { offerHostCertificates, withoutCertificates } from '../internals/host-certificate-internals.ts';

/** Options of {@link startClient}. */
export interface ClientStart {
  readonly target: SshTarget;
  /** Connected. */
  readonly socket: Socket;
  /** The preferred first; those of certificates only where one may count. */
  readonly hostKeyAlgorithms: readonly string[];
}

/** Callbacks of ssh2 during a handshake. */
export type ClientCallbacks = Required<Pick<ConnectConfig, 'debug' | 'hostVerifier' | 'authHandler'>>;

/**
 * Has ssh2 begin the handshake. Timeouts and keepalives are not its own.
 *
 * @throws TshuttleError ERR_CONFIG when this machine's OpenSSL has not what the algorithms need
 */
export function startClient(
  client: Client,
  { target, socket, hostKeyAlgorithms }: ClientStart,
  callbacks: ClientCallbacks,
): void {
  const { algorithms } = target;
  try {
    client.connect({
      ...callbacks,
      sock: socket,
      username: target.user,
      keepaliveInterval: 0,
      readyTimeout: 0,
      algorithms: {
        kex: [...algorithms.keyExchange] as KexAlgorithm[],
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
  offerHostCertificates(client, hostKeyAlgorithms);
}
