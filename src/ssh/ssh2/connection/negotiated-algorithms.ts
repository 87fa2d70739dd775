import type { NegotiatedAlgorithms as Ssh2Algorithms } from 'ssh2';
import type { NegotiatedAlgorithms } from '../../agreement.ts';

/** The result of a key exchange, from ssh2. */
export function negotiatedAlgorithms(
  { kex, serverHostKey, cs, sc }: Ssh2Algorithms,
  isStrict: boolean,
): NegotiatedAlgorithms {
  return {
    keyExchange: kex,
    hostKey: serverHostKey,
    cipher: bothWays(cs.cipher, sc.cipher),
    mac: bothWays(cs.mac, sc.mac),
    compression: bothWays(cs.compress, sc.compress),
    isStrict,
  };
}

/** The cipher authenticates by itself where there is no name of a MAC. */
function bothWays(up: string, down: string): string {
  if (up === down) return up === '' ? 'implicit' : up;
  return `${up} up, ${down} down`;
}
