import type { Client, NegotiatedAlgorithms as Ssh2Algorithms } from 'ssh2';
import { isPostQuantum, type NegotiatedAlgorithms } from '../../agreement.ts';
import { isStrict } from '../internals/key-exchange-internals.ts';

/**
 * The result of a key exchange, from ssh2.
 *
 * @param offered the bastion's lists by ssh2's names, as it has told them
 */
export function negotiatedAlgorithms(
  client: Client,
  { kex, serverHostKey, cs, sc }: Ssh2Algorithms,
  offered: ReadonlyMap<string, string>,
): NegotiatedAlgorithms {
  const theirs = offered.get('KEX method')?.split(',') ?? [];
  const missed = isPostQuantum(kex) ? undefined : theirs.find((name) => name.startsWith('sntrup761'));
  return {
    keyExchange: kex,
    hostKey: serverHostKey,
    cipher: bothWays(cs.cipher, sc.cipher),
    mac: bothWays(cs.mac, sc.mac),
    compression: bothWays(cs.compress, sc.compress),
    isStrict: isStrict(client),
    ...(missed === undefined ? {} : { postQuantumMissed: missed }),
  };
}

/** The cipher authenticates by itself where there is no name of a MAC. */
function bothWays(up: string, down: string): string {
  if (up === down) return up === '' ? 'implicit' : up;
  return `${up} up, ${down} down`;
}
