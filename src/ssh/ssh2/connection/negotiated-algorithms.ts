import type { NegotiatedAlgorithms as Ssh2Algorithms } from 'ssh2';

/** The algorithms in use, by their SSH names; one name where both directions have the same. */
export interface NegotiatedAlgorithms {
  readonly keyExchange: string;
  readonly hostKey: string;
  readonly cipher: string;
  readonly mac: string;
  readonly compression: string;
  /** Whether what was sent before the keys is covered by them too, against Terrapin (CVE-2023-48795). */
  readonly isStrict: boolean;
}

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
