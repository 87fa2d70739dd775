import { REPOSITORY } from '../lab/compile.ts';
import type { Encryption, Peer } from './peer.ts';
import { sshForwardWith } from './ssh-forward.ts';
import { tshuttle } from './tshuttle.ts';

/** By the short names that stand in the names of peers. */
const ENCRYPTIONS: Readonly<Record<string, Encryption>> = {
  'aes128-gcm': { cipher: 'aes128-gcm@openssh.com' },
  chacha20: { cipher: 'chacha20-poly1305@openssh.com' },
  'aes128-ctr': { cipher: 'aes128-ctr', mac: 'hmac-sha2-256-etm@openssh.com' },
  'aes256-ctr': { cipher: 'aes256-ctr', mac: 'hmac-sha2-512-etm@openssh.com' },
};

/** `ssh -L` and tshuttle with each cipher; tshuttle with ssh2's native code, and as `plain` without it. */
export const CIPHER_PEERS: readonly Peer[] = Object.entries(ENCRYPTIONS).flatMap(([name, encryption]) => [
  sshForwardWith(`ssh-L-${name}`, encryption),
  tshuttle(`plain-${name}`, REPOSITORY, { encryption, withoutNativeCode: true }),
  tshuttle(`native-${name}`, REPOSITORY, { encryption }),
]);
