import ssh2 from 'ssh2';

/** About one in 256 of ssh2 1.17's new ed25519 keys is malformed: it drops a leading zero byte (lib/keygen.js). */
const ATTEMPTS = 20;

/** A new ed25519 key pair of ssh2's making that ssh2 itself can read. */
export function generateKeyPair(): { readonly private: string; readonly public: string } {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
  throw new Error(`ssh2 made no usable key in ${ATTEMPTS} attempts`);
}
