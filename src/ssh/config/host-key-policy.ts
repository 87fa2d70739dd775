import { parseKnownHostsCommand } from '../host-keys/known-hosts-command.ts';
import type { HostKeyPolicy } from '../ssh-target.ts';
import {
  configNumber,
  configPathList,
  configSwitch,
  configValue,
  type SshConfigOutput,
} from './ssh-config-output.ts';

const DEFAULT_SSH_PORT = 22;
/** OpenSSH's own since 9.1 (sshd_config(5), RequiredRSASize). */
const DEFAULT_REQUIRED_RSA_BITS = 1024;
/** OpenSSH's own (ssh_config(5), CASignatureAlgorithms), where there is no `ssh -G` to tell. */
const DEFAULT_AUTHORITY_ALGORITHMS =
  'ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256';

/** Where the key is looked for. */
export interface HostKeyNames {
  /** After HostName. */
  readonly host: string;
  readonly port: number;
  /** HostKeyAlias. */
  readonly alias: string | undefined;
}

/** Puts in what tokens stand for. */
interface Expansion {
  expandText(text: string): string;
  /** Of a path, which is absolute then. */
  expandFile(path: string): string;
}

/**
 * How the bastion's key is to be checked, by `ssh -G`.
 *
 * @throws TshuttleError ERR_CONFIG when KnownHostsCommand is no command.
 */
export function hostKeyPolicy(
  configured: SshConfigOutput,
  names: HostKeyNames,
  { expandText, expandFile }: Expansion,
): HostKeyPolicy {
  const { port } = names;
  const host = names.host.toLowerCase();
  const alias = names.alias?.toLowerCase();
  const named = alias === undefined && port !== DEFAULT_SSH_PORT;
  const strictness = configured.get('stricthostkeychecking')?.[0] ?? 'ask';
  const authorityAlgorithms =
    configValue(configured, 'casignaturealgorithms') ?? DEFAULT_AUTHORITY_ALGORITHMS;
  const command = configValue(configured, 'knownhostscommand');
  return {
    lookupName: alias ?? (named ? `[${host}]:${port}` : host),
    lookupNameWithoutPort: named ? host : undefined,
    certificateName: alias ?? host,
    authoritySignatureAlgorithms: authorityAlgorithms.split(','),
    userFiles: configPathList(configured, 'userknownhostsfile').map(expandFile),
    globalFiles: configPathList(configured, 'globalknownhostsfile').map(expandFile),
    knownHostsCommand: command === undefined ? undefined : parseKnownHostsCommand(command, expandText),
    unknownKey: unknownKeyPolicy(strictness),
    hashNewNames: configSwitch(configured, 'hashknownhosts', false),
    updateKeys:
      configured.get('updatehostkeys')?.[0] === 'ask'
        ? 'ask'
        : configSwitch(configured, 'updatehostkeys', false)
          ? 'yes'
          : 'no',
    revokedKeyFiles: configPathList(configured, 'revokedhostkeys').map(expandFile),
    requiredRsaBits: requiredRsaBits(configured),
  };
}

/** RequiredRSASize, of host keys and the user's own; OpenSSH takes less for a mistake, too. */
export function requiredRsaBits(configured: SshConfigOutput): number {
  const configuredBits = configNumber(configured, 'requiredrsasize', DEFAULT_REQUIRED_RSA_BITS);
  return Math.max(DEFAULT_REQUIRED_RSA_BITS, configuredBits);
}

function unknownKeyPolicy(strictness: string): HostKeyPolicy['unknownKey'] {
  switch (strictness) {
    case 'yes':
    case 'true':
      return 'refuse';
    case 'accept-new':
    case 'no':
    case 'off':
    case 'false':
      return 'accept';
    default:
      return 'ask';
  }
}
