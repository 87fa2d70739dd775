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
import { HYBRID_METHOD, hybridKeySource } from '../key-exchange/hybrid.ts';

/** Options of {@link startClient}. */
export interface ClientStart {
  readonly target: SshTarget;
  /** Connected. */
  readonly socket: Socket;
  /** The preferred first; those of certificates only where one may count. */
  readonly hostKeyAlgorithms: readonly string[];
  /** Called when the keys are exchanged, and the host key is accepted. */
  readonly onAuthenticating?: (() => void) | undefined;
}

/** Callbacks of ssh2 during a handshake. */
export type ClientCallbacks = Required<Pick<ConnectConfig, 'debug' | 'hostVerifier' | 'authHandler'>>;

/** A bastion that has said nothing by then is far away, or just being started: there is time for keys that it may agree on. */
const SILENCE_MS = 20;

function isSilent({ bytesRead, destroyed }: Socket): boolean {
  return bytesRead === 0 && !destroyed;
}

/**
 * Has ssh2 begin the handshake. Timeouts and keepalives are not its own.
 *
 * @returns what each SSH_MSG_KEXINIT of the bastion has to pass
 * @throws TshuttleError ERR_CONFIG when this machine's OpenSSL has not what the algorithms need
 */
export function startClient(
  client: Client,
  { target, socket, hostKeyAlgorithms }: ClientStart,
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
  const hybridKeys = hybridKeySource();
  // Whoever needs them finds out why there are none.
  const prepare = (): unknown => isSilent(socket) && hybridKeys.prepare().catch(() => {});
  if (algorithms.keyExchange.includes(HYBRID_METHOD)) setTimeout(prepare, SILENCE_MS).unref();
  return offerOwn(client, {
    keyExchange: algorithms.keyExchange,
    hostKey: hostKeyAlgorithms,
    methods: new Map([
      [HYBRID_METHOD, (exchange) => exchangeHybrid(exchange, hybridKeys, (error) => socket.destroy(error))],
    ]),
  });
}
