import type { AlgorithmPreferences } from '../ssh-target.ts';
import { configValue, type SshConfigOutput } from './ssh-config-output.ts';

/**
 * What we offer when the configuration says nothing: AES-GCM first, because it costs the least CPU per byte here, no
 * SHA-1 signatures, and otherwise OpenSSH's order. Those of host certificates go only to hosts for which an authority is known.
 */
export const DEFAULT_ALGORITHMS: AlgorithmPreferences = {
  keyExchange: [
    'mlkem768x25519-sha256',
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group14-sha256',
  ],
  hostKey: [
    'ssh-ed25519-cert-v01@openssh.com',
    'ecdsa-sha2-nistp256-cert-v01@openssh.com',
    'ecdsa-sha2-nistp384-cert-v01@openssh.com',
    'ecdsa-sha2-nistp521-cert-v01@openssh.com',
    'rsa-sha2-512-cert-v01@openssh.com',
    'rsa-sha2-256-cert-v01@openssh.com',
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  mac: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha1-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
    'hmac-sha1',
  ],
  compression: ['none', 'zlib@openssh.com'],
};

/** Weak or rare algorithms that there are too; offered only where the configuration names them. */
export const ON_REQUEST_ALGORITHMS: AlgorithmPreferences = {
  keyExchange: [
    'diffie-hellman-group15-sha512',
    'diffie-hellman-group17-sha512',
    'diffie-hellman-group-exchange-sha1',
    'diffie-hellman-group14-sha1',
    'diffie-hellman-group1-sha1',
  ],
  hostKey: ['ssh-rsa', 'ssh-dss'],
  cipher: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'],
  mac: ['hmac-md5', 'hmac-md5-96', 'hmac-sha1-96'],
  compression: ['zlib'],
};

/** Algorithms of ours that an ssh of this machine may be too old for: it refuses a list with one. */
export const NEWER_THAN_SSH: readonly string[] = ['mlkem768x25519-sha256'];

/** The lists a user can set, by the keyword of ssh_config(5). */
export const ALGORITHM_KEYWORDS = [
  { list: 'keyExchange', keyword: 'KexAlgorithms' },
  { list: 'hostKey', keyword: 'HostKeyAlgorithms' },
  { list: 'cipher', keyword: 'Ciphers' },
  { list: 'mac', keyword: 'MACs' },
] as const;

/**
 * Chooses the algorithms: the user's own lists as far as ssh2 has them, else {@link DEFAULT_ALGORITHMS}.
 *
 * @param configured `ssh -G` for the bastion
 * @param builtIn `ssh -G -F none`, to tell what the user has set from what OpenSSH would use anyway
 */
export function chooseAlgorithms(
  configured: SshConfigOutput,
  builtIn: SshConfigOutput,
): AlgorithmPreferences {
  const chosen: Record<keyof AlgorithmPreferences, readonly string[]> = {
    ...DEFAULT_ALGORITHMS,
    compression:
      configValue(configured, 'compression') === 'yes'
        ? ['zlib@openssh.com', 'zlib', 'none']
        : ['none', 'zlib@openssh.com'],
  };
  for (const { list, keyword } of ALGORITHM_KEYWORDS) {
    const value = configValue(configured, keyword.toLowerCase());
    if (value === undefined || value === configValue(builtIn, keyword.toLowerCase())) continue;
    const byDefault = configValue(builtIn, keyword.toLowerCase())?.split(',') ?? [];
    const usable = usableAlgorithms(list, withNewer(value.split(','), byDefault).join(','));
    // Otherwise it is for ssh itself (openssh-needs.ts).
    if (usable.length > 0) chosen[list] = usable;
  }
  return chosen;
}

/**
 * Puts what an older ssh does not know into a list that is the default of that ssh with additions: it stands before what it prefers to.
 * Another list is what the user allows, and is left.
 *
 * @param configured as `ssh -G` prints it
 * @param builtIn the default of that ssh
 */
function withNewer(configured: readonly string[], builtIn: readonly string[]): readonly string[] {
  const newer = NEWER_THAN_SSH.filter((name) => !builtIn.includes(name) && !configured.includes(name));
  if (newer.length === 0 || !builtIn.every((name) => configured.includes(name))) return configured;
  const isDefaultFrom = (at: number): boolean => {
    const rest = builtIn.filter((name) => !configured.slice(0, at).includes(name));
    return rest.every((name, index) => configured[at + index] === name);
  };
  const at = configured.findIndex((_name, index) => isDefaultFrom(index));
  return at < 0 ? configured : configured.toSpliced(at, 0, ...newer);
}

/** What ssh2 has of a list that the user set, with commas between them. */
export function usableAlgorithms(list: keyof AlgorithmPreferences, value: string): readonly string[] {
  const supported = supportedAlgorithms(list);
  return value.split(',').filter((name) => supported.includes(name));
}

/** All that ssh2 has for a list. */
export function supportedAlgorithms(list: keyof AlgorithmPreferences): readonly string[] {
  return [...DEFAULT_ALGORITHMS[list], ...ON_REQUEST_ALGORITHMS[list]];
}
