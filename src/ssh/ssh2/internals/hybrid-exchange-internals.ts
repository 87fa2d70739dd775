import type { HybridKeySource, HybridKeys } from '../key-exchange/hybrid.ts';
import type { KeyExchange } from './key-exchange-shape.ts';

/**
 * Makes an exchange of ssh2's one of the client's side of a hybrid method.
 *
 * ssh2 sends and hashes what `getPublicKey` gives, and hashes what `computeSecret` gives behind its length: for a number that
 * `computeSecret` would have to be in the form of one, and for a string as it is. The bastion says nothing before it has our key
 * (RFC 4253 section 7.1), so that the exchange may begin when there is one.
 *
 * @param onFailed called in place of a beginning, when keys cannot be made here
 */
export function exchangeHybrid(
  exchange: KeyExchange,
  source: HybridKeySource,
  onFailed: (error: Error) => void,
): void {
  let keys: HybridKeys | undefined;
  let publicKey: Buffer | undefined;
  exchange.type = 'hybrid';
  exchange.hashName = 'sha256';
  const start = exchange.start.bind(exchange);
  exchange.start = () => {
    if (source.isPrepared) start();
    else void source.prepare().then(start, onFailed);
  };
  exchange.generateKeys = () => {
    if (publicKey !== undefined) return;
    keys = source.newKeys();
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
