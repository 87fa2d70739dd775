import type { KeyExchange } from '../key-exchange-shape.ts';
import type { Cipher, Decipher } from './cipher-shape.ts';
import { scriptCipher, scriptDecipher } from './script-ciphers.ts';
import { type Direction, type DirectionKeys, watchKeys } from './session-keys.ts';
import { useKeystream, useKeystreamToDecrypt } from './stream-internals.ts';

/** The part of ssh2's protocol object that has the ciphers; each exchange assigns new ones before anything passes through them. */
interface CipherProtocol {
  _cipher: Cipher;
  _decipher: Decipher;
}

/**
 * Has the new ciphers of a client go by OpenSSL, from the first byte on where they are one keystream for all packets.
 *
 * @returns to be called with each new exchange, before it is used
 */
export function followCiphers(protocol: CipherProtocol): (exchange: KeyExchange) => void {
  let exchange: KeyExchange | undefined;
  let keysOf: (direction: Direction) => DirectionKeys | undefined = () => undefined;
  onAssigned(protocol, '_cipher', (assigned) => {
    const keys = keysOf('up');
    if (keys === undefined || exchange === undefined) return assigned;
    const agreed = exchange.negotiated.cs;
    const cipher = scriptCipher(assigned, agreed, keys);
    useKeystream(cipher, agreed.cipher, keys);
    return cipher;
  });
  onAssigned(protocol, '_decipher', (assigned) => {
    const keys = keysOf('down');
    if (keys === undefined || exchange === undefined) return assigned;
    const agreed = exchange.negotiated.sc;
    const decipher = scriptDecipher(assigned, agreed, keys);
    useKeystreamToDecrypt(decipher, agreed.cipher, keys);
    return decipher;
  });
  return (next) => {
    exchange = next;
    keysOf = watchKeys(next);
  };
}

/** @param replace gives what stands there instead */
function onAssigned<K extends keyof CipherProtocol>(
  protocol: CipherProtocol,
  name: K,
  replace: (value: CipherProtocol[K]) => CipherProtocol[K],
): void {
  let current = protocol[name];
  Object.defineProperty(protocol, name, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (value: CipherProtocol[K]) => {
      current = replace(value);
    },
  });
}
