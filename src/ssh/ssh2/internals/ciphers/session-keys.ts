import { createHash } from 'node:crypto';
import type { KeyExchange } from '../key-exchange-shape.ts';

/** What RFC 4253 section 7.2 calls them: the keys of one direction. */
export interface DirectionKeys {
  /** So many bytes of it, as for {@link key}, and {@link macKey}. */
  iv(bytes: number): Buffer;
  key(bytes: number): Buffer;
  macKey(bytes: number): Buffer;
}

/** From the client to the server, or back. */
export type Direction = 'up' | 'down';

const LETTERS = { up: { iv: 'A', key: 'C', mac: 'E' }, down: { iv: 'B', key: 'D', mac: 'F' } } as const;

/** What the keys of an exchange are made of. */
interface KeyMaterial {
  readonly hashName: string;
  /** K, as it is hashed but for its length. */
  readonly secret: Buffer;
  readonly exchangeHash: Buffer;
  readonly sessionId: Buffer;
}

/**
 * Has an exchange of a client's tell its keys, of which ssh2 keeps those of some ciphers only inside Node's objects. To be called before
 * it is used.
 *
 * ssh2 makes the keys, of a secret that `computeSecret` has told, at the end of `finish`: where there is no session ID then, the exchange
 * hash becomes it. So that is told to be missing for this one question, and stays as it was. Whoever uses these keys compares one of
 * them with what ssh2 has.
 *
 * @returns undefined before it has come so far; each direction is asked for once, and then what they are made of is forgotten
 */
export function watchKeys(exchange: KeyExchange): (direction: Direction) => DirectionKeys | undefined {
  const { computeSecret, finish } = exchange;
  let sessionId = exchange.sessionID;
  let secret: Buffer | undefined;
  let exchangeHash: Buffer | undefined;
  let isFinishing = false;
  exchange.computeSecret = (theirs) => {
    const computed = computeSecret.call(exchange, theirs);
    if (Buffer.isBuffer(computed)) secret = computed;
    return computed;
  };
  exchange.finish = (serverToClientOnly) => {
    isFinishing = true;
    try {
      return finish.call(exchange, serverToClientOnly);
    } finally {
      isFinishing = false;
    }
  };
  Object.defineProperty(exchange, 'sessionID', {
    configurable: true,
    enumerable: true,
    get: () => (isFinishing && exchangeHash === undefined ? undefined : sessionId),
    set: (hash: Buffer) => {
      exchangeHash = hash;
      sessionId ??= hash;
    },
  });
  const left = new Set<Direction>(['up', 'down']);
  return (direction) => {
    if (secret === undefined || exchangeHash === undefined || sessionId === undefined) return undefined;
    const material = { hashName: exchange.hashName, secret, exchangeHash, sessionId };
    left.delete(direction);
    if (left.size === 0) secret = undefined;
    const letters = LETTERS[direction];
    return {
      iv: (bytes) => deriveKey(material, letters.iv, bytes),
      key: (bytes) => deriveKey(material, letters.key, bytes),
      macKey: (bytes) => deriveKey(material, letters.mac, bytes),
    };
  };
}

function deriveKey(
  { hashName, secret, exchangeHash, sessionId }: KeyMaterial,
  letter: string,
  bytes: number,
): Buffer {
  const secretBytes = Buffer.alloc(4);
  secretBytes.writeUInt32BE(secret.length, 0);
  const begin = () => createHash(hashName).update(secretBytes).update(secret).update(exchangeHash);
  let key = begin().update(letter).update(sessionId).digest();
  while (key.length < bytes) key = Buffer.concat([key, begin().update(key).digest()]);
  return key.subarray(0, bytes);
}
