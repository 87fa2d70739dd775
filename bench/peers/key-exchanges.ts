import { REPOSITORY } from '../lab/compile.ts';
import { CIPHER, type Peer } from './peer.ts';
import { tshuttle } from './tshuttle.ts';

/** tshuttle with the key exchange that it prefers, ML-KEM with X25519, and with X25519 alone. */
export const KEY_EXCHANGE_PEERS: readonly Peer[] = ['mlkem768x25519-sha256', 'curve25519-sha256'].map(
  (keyExchange) =>
    tshuttle(keyExchange.replace('-sha256', ''), REPOSITORY, { encryption: { keyExchange, cipher: CIPHER } }),
);
