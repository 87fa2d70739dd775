import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { Client, ParsedKey } from 'ssh2';
import keyParser from 'ssh2/lib/protocol/keyParser.js';
import { bytesSentNow } from '../../../net/native/transfer/send.ts';
import type { HostKeyAnnouncement } from '../../host-keys/host-key-update.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { isSecurityKey, type SigningKey } from '../../keys/signing-key.ts';
import { encodeString } from '../../keys/wire.ts';
import { type KeyRequestProtocol, needsOwnRequest, requestWithKey } from './key-request-internals.ts';
import { refuseOtherSsh2 } from './ssh2-version.ts';

/**
 * The parts of ssh2's private interface, and one of Node's, that connecting relies on; ssh2 is pinned to the version they were read in
 * (native-notes/ssh2-connection-internals.md). A test holds them to it.
 */
interface ClientInternals {
  readonly _protocol: ProtocolInternals;
  /** One callback for each global request that asks for a reply, in the order of the requests. */
  readonly _callbacks: Array<(failed: boolean | Error) => void>;
}

interface ProtocolInternals extends KeyRequestProtocol {
  readonly _handlers: ProtocolHandlers;
  _debug: unknown;
  authPK: AuthenticateWithKey;
  ping(): void;
  authInfoRes(answers: readonly string[]): void;
}

interface ProtocolHandlers {
  GLOBAL_REQUEST(protocol: object, name: string, wantReply: boolean, data: unknown): void;
  USERAUTH_INFO_REQUEST(
    protocol: ProtocolInternals,
    name: string,
    instructions: string,
    prompts: readonly object[],
  ): void;
}

/** libuv's counters: written to the stream, and of these not yet taken by the kernel. */
interface SocketHandle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

type AuthenticateWithKey = (
  this: ProtocolInternals,
  user: string,
  key: object,
  algorithm: string | undefined,
  sign?: (data: Buffer, done: (signature: Buffer) => void) => void,
) => void;

function internalsOf(client: Client): ClientInternals {
  const internals = client as unknown as ClientInternals;
  refuseOtherSsh2(typeof internals._protocol?.authPK === 'function' && Array.isArray(internals._callbacks));
  return internals;
}

/** Whether ssh2's native cipher code was built when it was installed; without it Node's does the same at more cost. */
export function hasNativeCrypto(): boolean {
  const crypto: unknown = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js');
  return (crypto as { readonly bindingAvailable?: boolean }).bindingAvailable === true;
}

/**
 * Calls back, once, when the bastion has said which host keys it has (`hostkeys-00@openssh.com`) and has answered ssh2's
 * demand to prove them. ssh2 itself tells only of the proved ones, and in neither of keys whose type it has not.
 */
export function onHostKeysAnnounced(
  client: Client,
  onAnnounced: (announcement: HostKeyAnnouncement) => void,
): void {
  const handlers = internalsOf(client)._protocol._handlers;
  const original = handlers.GLOBAL_REQUEST;
  let announced: PublicKey[] | undefined;
  handlers.GLOBAL_REQUEST = (protocol, name, wantReply, data) => {
    if (name === 'hostkeys-00@openssh.com' && announced === undefined)
      announced = (data as ParsedKey[]).map(publicKeyOf);
    original(protocol, name, wantReply, data);
  };
  client.once('hostkeys', (proved: ParsedKey[]) => {
    onAnnounced({ announced: announced ?? [], proved: proved.map(publicKeyOf) });
  });
}

function publicKeyOf(key: ParsedKey): PublicKey {
  return { type: key.type, blob: Buffer.from(key.getPublicSSH()) };
}

/**
 * Has a round of keyboard-interactive in which nothing is asked (RFC 4256 section 3.2) answered here: ssh2 answers it by itself, and
 * what the bastion says in it is lost. @param onRound calls `answer` to go on
 */
export function onRoundWithoutQuestions(
  client: Client,
  onRound: (round: { readonly name: string; readonly instructions: string }, answer: () => void) => void,
): void {
  const { _handlers: handlers } = internalsOf(client)._protocol;
  const original = handlers.USERAUTH_INFO_REQUEST;
  handlers.USERAUTH_INFO_REQUEST = (protocol, name, instructions, prompts) => {
    if (prompts.length > 0) original(protocol, name, instructions, prompts);
    else onRound({ name, instructions }, () => protocol.authInfoRes([]));
  };
}

/** Ends the calls of the `debug` function, which cost CPU for every packet. */
export function stopDebugOutput(client: Client): void {
  internalsOf(client)._protocol._debug = undefined;
}

/** Sends one `keepalive@openssh.com` request. `onReply` is called with its answer, not when the connection ends first. */
export function sendKeepalive(client: Client, onReply: () => void = () => {}): void {
  const internals = internalsOf(client);
  // ssh2 calls these in step with the answers: with an error when the connection is closed.
  internals._callbacks.push((failed) => {
    if (!(failed instanceof Error)) onReply();
  });
  internals._protocol.ping();
}

/**
 * How much of what was written to a socket the kernel has taken, and how much still waits in the process.
 *
 * Node counts a write as done only when all of it is done, which may be megabytes; its handle knows better. Without a
 * handle (a closed socket) the public counters have to do.
 */
export function socketQueue(socket: Socket): { readonly takenBytes: number; readonly waitingBytes: number } {
  const handle = Reflect.get(socket, '_handle') as Partial<SocketHandle> | null | undefined;
  const { bytesWritten, writeQueueSize } = handle ?? {};
  const takenBytes =
    bytesWritten === undefined || writeQueueSize === undefined
      ? socket.bytesWritten - socket.writableLength
      : bytesWritten - writeQueueSize;
  return { takenBytes: takenBytes + bytesSentNow(socket), waitingBytes: socket.bytesWritten - takenBytes };
}

/** An Ed25519 public key, of nobody. */
const ANY_KEY = Buffer.concat([encodeString('ssh-ed25519'), encodeString(Buffer.alloc(32))]);

/** Makes `publickey` attempts sign through {@link SigningKey}, which may take its time. */
export class KeySigner {
  readonly #keys = new WeakMap<object, SigningKey>();
  readonly #onUnavailable: (error: unknown) => void;

  /** @param onUnavailable called instead of an answer to the bastion when a key turns out to be of no use */
  constructor(onUnavailable: (error: unknown) => void) {
    this.#onUnavailable = onUnavailable;
  }

  /**
   * A stand-in that ssh2 takes for a parsed private key, for an attempt of type `publickey`.
   *
   * @returns undefined when ssh2 cannot read the public key.
   */
  standIn(key: SigningKey): ParsedKey | undefined {
    // Of a security key only that it is a key: the messages with it are not ssh2's.
    const { type, blob } = key.publicKey;
    const parsed = keyParser.parseKey(isSecurityKey(type) ? ANY_KEY : blob);
    if (parsed instanceof Error) return undefined;
    // ssh2 knows its own keys by a symbol, which the stand-in inherits.
    const standIn = Object.create(parsed, { isPrivateKey: { value: () => true } }) as ParsedKey;
    this.#keys.set(standIn, key);
    return standIn;
  }

  /** Takes over the signing of a client, from right after its `connect()`. */
  attach(client: Client): void {
    const protocol = internalsOf(client)._protocol;
    const original = protocol.authPK;
    const keys = this.#keys;
    const onUnavailable = this.#onUnavailable;
    protocol.authPK = function authenticateWithKey(user, standIn, algorithm, sign) {
      const key = keys.get(standIn);
      // ssh2 falls back to SHA-1 where the bastion has not announced its signature algorithms; OpenSSH does not.
      const signedWith = key?.onlyAlgorithm ?? (algorithm === 'ssh-rsa' ? 'rsa-sha2-512' : algorithm);
      if (key !== undefined && needsOwnRequest(key)) {
        const signature = signedWith ?? key.publicKey.type;
        const signByKey = (data: Buffer, done: (signed: Buffer) => void): void =>
          void key.sign(data, signature).then(done).catch(onUnavailable);
        requestWithKey(this, user, key, signature, sign === undefined ? undefined : signByKey);
        return;
      }
      if (key === undefined || sign === undefined) {
        original.call(this, user, standIn, signedWith, sign);
        return;
      }
      original.call(this, user, standIn, signedWith, (data, done) => {
        key
          .sign(data, signedWith ?? key.publicKey.type)
          .then(done)
          .catch((error: unknown) => onUnavailable(error));
      });
    };
  }
}
