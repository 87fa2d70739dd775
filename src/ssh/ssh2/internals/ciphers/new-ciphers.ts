import type { KeyExchange } from '../key-exchange-shape.ts';
import type { Cipher, Decipher } from './cipher-shape.ts';
import { type Direction, type DirectionKeys, watchKeys } from './session-keys.ts';
import { useKeystream, useKeystreamToDecrypt } from './stream-internals.ts';

/** The part of ssh2's protocol object that has the ciphers; each exchange assigns new ones before anything passes through them. */
interface CipherProtocol {
  _cipher: Cipher;
  _decipher: Decipher;
}

/**
 * Has the new ciphers of a client, where they are of ssh2's JavaScript and one keystream for all packets, go by OpenSSL from
 * their first byte on.
 *
 * @returns to be called with each new exchange, before it is used
 */
export function followCiphers(protocol: CipherProtocol): (exchange: KeyExchange) => void {
  let exchange: KeyExchange | undefined;
  let keysOf: (direction: Direction) => DirectionKeys | undefined = () => undefined;
  onAssigned(protocol, '_cipher', (cipher) => {
    const keys = keysOf('up');
    if (keys !== undefined && exchange !== undefined)
      useKeystream(cipher, exchange.negotiated.cs.cipher, keys);
  });
  onAssigned(protocol, '_decipher', (decipher) => {
    const keys = keysOf('down');
    if (keys !== undefined && exchange !== undefined) {
      useKeystreamToDecrypt(decipher, exchange.negotiated.sc.cipher, keys);
    }
  });
  return (next) => {
    exchange = next;
    keysOf = watchKeys(next);
  };
}

function onAssigned<K extends keyof CipherProtocol>(
  protocol: CipherProtocol,
  name: K,
  onNew: (value: CipherProtocol[K]) => void,
): void {
  let current = protocol[name];
  Object.defineProperty(protocol, name, {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (value: CipherProtocol[K]) => {
      current = value;
      onNew(value);
    },
  });
}
