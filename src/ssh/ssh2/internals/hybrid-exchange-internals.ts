import type { HybridKeys } from '../key-exchange/hybrid.ts';
import type { KeyExchange } from './key-exchange-shape.ts';

/**
 * Makes an exchange of ssh2's one of the client's side of a hybrid method.
 *
 * ssh2 sends and hashes what `getPublicKey` gives, and hashes what `computeSecret` gives behind its length: for a number that
 * `computeSecret` would have to be in the form of one, and for a string as it is.
 */
export function exchangeHybrid(exchange: KeyExchange, newKeys: () => HybridKeys): void {
  let keys: HybridKeys | undefined;
  let publicKey: Buffer | undefined;
  exchange.type = 'hybrid';
  exchange.hashName = 'sha256';
  exchange.generateKeys = () => {
    if (publicKey !== undefined) return;
    keys = newKeys();
    publicKey = keys.publicKey;
  };
  exchange.getPublicKey = () => {
    exchange.generateKeys();
    return publicKey ?? Buffer.alloc(0);
  };
  exchange.convertPublicKey = (theirs) => theirs;
  exchange.computeSecret = (theirs) => {
    try {
      if (keys === undefined) throw new Error('the keys of an exchange are used once');
      return keys.computeSecret(theirs);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      keys = undefined;
    }
  };
}
