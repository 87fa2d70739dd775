import { printableLine } from '../core/printable.ts';

/** The algorithms in use, by their SSH names; one name where both directions have the same. */
export interface NegotiatedAlgorithms {
  readonly keyExchange: string;
  readonly hostKey: string;
  readonly cipher: string;
  readonly mac: string;
  readonly compression: string;
  /** Whether what was sent before the keys is covered by them too, against Terrapin (CVE-2023-48795). */
  readonly isStrict: boolean;
  /** A post-quantum method that the bastion has and this transport has not, where none was agreed on. */
  readonly postQuantumMissed?: string;
}

/** Something of an agreement that ssh warns of as well. */
export interface Weakness {
  readonly what: string;
  readonly remedy: string;
}

/** Whether what is recorded today is safe from a quantum computer of later (ssh 10.1 calls the same methods so). */
export function isPostQuantum(keyExchange: string): boolean {
  return /^(?:mlkem768|mlkem1024|sntrup761)/.test(keyExchange);
}

/** For people, in a line. */
export function describeAgreement({
  keyExchange,
  cipher,
  mac,
  hostKey,
  isStrict,
}: NegotiatedAlgorithms): string {
  const kind = isPostQuantum(keyExchange) ? 'post-quantum' : 'not post-quantum';
  const cipherWithMac = mac === 'implicit' ? cipher : `${cipher} with ${mac}`;
  return `${cipherWithMac}, key exchange ${keyExchange} (${kind}), host key ${hostKey}, ${isStrict ? 'strict' : 'not strict'}`;
}

/**
 * What is weak about an agreement, and what the bastion's administrator can do about it.
 *
 * @param offered what we offered to it; undefined where that is not known
 */
export function weaknessesOf(
  { keyExchange, isStrict, postQuantumMissed }: NegotiatedAlgorithms,
  offered?: readonly string[],
): readonly Weakness[] {
  const weaknesses: Weakness[] = [];
  if (!isPostQuantum(keyExchange)) {
    weaknesses.push({
      what: `the key exchange ${keyExchange} is not post-quantum: traffic that is recorded today may be decrypted later`,
      remedy:
        offered === undefined || offered.some(isPostQuantum)
          ? remedyAtBastion(postQuantumMissed)
          : 'your own KexAlgorithms leave it out: set -o KexAlgorithms=^mlkem768x25519-sha256',
    });
  }
  if (!isStrict) {
    weaknesses.push({
      what: 'the key exchange is not strict: somebody on the path can drop its first messages (Terrapin, CVE-2023-48795)',
      remedy: 'upgrade the bastion to OpenSSH 9.6 or later',
    });
  }
  return weaknesses;
}

function remedyAtBastion(postQuantumMissed: string | undefined): string {
  const update =
    'upgrade the bastion to OpenSSH 9.9 or later, and allow it in its sshd_config: KexAlgorithms ^mlkem768x25519-sha256';
  const silence = '-o WarnWeakCrypto=no turns this warning off';
  // OpenSSH for Windows opens no channels for us.
  return postQuantumMissed === undefined || process.platform === 'win32'
    ? `${update}. Until then ${silence}`
    : `it offers ${printableLine(postQuantumMissed)}, which your own ssh has: use --transport openssh. Or ${update}; ${silence}`;
}
