import { createConnection } from 'node:net';
import { messageOf } from '../../core/errors.ts';
import { type PublicKey, publicKeyFromBlob } from './public-key.ts';
import { isSecurityKey, KeyUnavailableError } from './signing-key.ts';
import { encodeString, encodeUint32, WireReader } from './wire.ts';

/** Message numbers and flags of the agent protocol (draft-ietf-sshm-ssh-agent, section 6). */
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const SIGN_FLAGS: Readonly<Record<string, number>> = { 'rsa-sha2-256': 2, 'rsa-sha2-512': 4 };

/** OpenSSH's own limits (authfd.c): a reply of 256 KiB, 2048 keys. */
const REPLY_LIMIT_BYTES = 262_144;
const KEY_LIMIT = 2048;
const LIST_TIMEOUT_MS = 10_000;
/** The agent may ask its user to confirm, or to touch something. */
const SIGN_TIMEOUT_MS = 120_000;

/** Behind a security key's signature (PROTOCOL.u2f). */
const FLAGS_AND_COUNTER_BYTES = 5;

/** One key that an agent holds. */
export interface AgentKey {
  readonly publicKey: PublicKey;
  readonly comment: string;
}

/**
 * Lists the keys of an agent.
 *
 * @throws KeyUnavailableError when there is no agent, or it answers nonsense.
 */
export async function listAgentKeys(socketPath: string, signal: AbortSignal): Promise<AgentKey[]> {
  const reply = await exchange(socketPath, Buffer.of(REQUEST_IDENTITIES), {
    signal,
    timeoutMs: LIST_TIMEOUT_MS,
  });
  const reader = new WireReader(reply);
  const answer = reader.byte();
  const count = reader.uint32();
  if (answer !== IDENTITIES_ANSWER || count === undefined || count > KEY_LIMIT) {
    throw new KeyUnavailableError(`the agent at ${socketPath} does not list its keys (answer ${answer})`);
  }
  const keys: AgentKey[] = [];
  for (let index = 0; index < count; index += 1) {
    const blob = reader.string();
    const comment = reader.string();
    if (blob === undefined || comment === undefined) {
      throw new KeyUnavailableError(`the agent at ${socketPath} sent an incomplete list of keys`);
    }
    const publicKey = publicKeyFromBlob(blob);
    if (publicKey !== undefined) keys.push({ publicKey, comment: comment.toString('utf8') });
  }
  return keys;
}

/**
 * Has an agent sign.
 *
 * @returns the signature as {@link SigningKey.sign} gives it
 * @throws KeyUnavailableError when the agent refuses, its user declines, or it signs with another algorithm.
 */
export async function signWithAgent(
  socketPath: string,
  key: PublicKey,
  data: Buffer,
  algorithm: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const request = Buffer.concat([
    Buffer.of(SIGN_REQUEST),
    encodeString(key.blob),
    encodeString(data),
    encodeUint32(SIGN_FLAGS[algorithm] ?? 0),
  ]);
  const reader = new WireReader(await exchange(socketPath, request, { signal, timeoutMs: SIGN_TIMEOUT_MS }));
  const signature = reader.byte() === SIGN_RESPONSE ? reader.string() : undefined;
  if (signature === undefined) throw new KeyUnavailableError('the agent refused to sign');
  const parts = new WireReader(signature);
  const usedAlgorithm = parts.string()?.toString('latin1');
  const behindAlgorithm = signature.subarray(parts.offset);
  const value = parts.string();
  if (usedAlgorithm !== algorithm || value === undefined) {
    throw new KeyUnavailableError(`the agent signed with ${usedAlgorithm} where ${algorithm} was asked for`);
  }
  if (isSecurityKey(algorithm)) {
    if (parts.bytes(FLAGS_AND_COUNTER_BYTES) === undefined || !parts.isAtEnd) {
      throw new KeyUnavailableError('the agent sent a malformed signature of a security key');
    }
    return behindAlgorithm;
  }
  return algorithm.startsWith('ecdsa-') ? ecdsaToDer(value) : value;
}

/** SSH's two `mpint` are the contents of DER's two INTEGER; only the framing differs. */
function ecdsaToDer(value: Buffer): Buffer {
  const reader = new WireReader(value);
  const r = reader.string();
  const s = reader.string();
  if (r === undefined || s === undefined)
    throw new KeyUnavailableError('the agent sent a malformed signature');
  return derElement(0x30, Buffer.concat([derElement(0x02, r), derElement(0x02, s)]));
}

function derElement(tag: number, content: Buffer): Buffer {
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

interface ExchangeLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** One request and its reply on a connection of its own, without their length prefixes. */
function exchange(
  socketPath: string,
  request: Buffer,
  { signal, timeoutMs }: ExchangeLimits,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: socketPath });
    let received = Buffer.alloc(0);
    const settle = (outcome: Buffer | string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      if (typeof outcome === 'string')
        reject(new KeyUnavailableError(`the agent at ${socketPath} ${outcome}`));
      else resolve(outcome);
    };
    const onAbort = (): void => settle('was not waited for');
    const timer = setTimeout(() => settle(`did not answer within ${timeoutMs / 1000} s`), timeoutMs);
    socket.on('error', (error) => settle(`cannot be used: ${messageOf(error)}`));
    socket.on('close', () => settle('closed the connection'));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const length = received.length < 4 ? undefined : received.readUInt32BE(0);
      if (length === undefined) return;
      if (length === 0 || length > REPLY_LIMIT_BYTES) settle(`sent a reply of ${length} bytes`);
      else if (received.length >= 4 + length) settle(received.subarray(4, 4 + length));
    });
    socket.write(encodeString(request));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
