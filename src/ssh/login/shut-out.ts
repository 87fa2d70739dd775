import { systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { entryNames, type KnownHostEntry } from '../host-keys/known-hosts.ts';
import { readKnownHosts } from '../host-keys/known-hosts-files.ts';
import type { SshTarget } from '../ssh-target.ts';

/*
 * What is known about bastions that shut an address out, for both transports. sshd refuses who opens too many connections
 * (MaxStartups) or failed before (PerSourcePenalties, since OpenSSH 9.8) before it names its version; fail2ban refuses whom it
 * bans, drops what they send, or answers with another ICMP, by its blocktype, for ten minutes by default.
 */

/** What to do where sshd hung up before it named its version, having said why. */
export const REMEDY_TURNED_AWAY =
  'sshd admits only so many unauthenticated connections, and shuts out addresses that failed before: wait and retry';

/** What to do where something hung up before it named its version, without a word. */
export const REMEDY_HUNG_UP =
  'check that an ssh server listens there; if one does, it shuts this address out for now (PerSourcePenalties, MaxStartups, ' +
  'fail2ban): wait some minutes, then name the right user, and the right key with -i';

/** What to do where a connection ended in the middle of a login, without a word. */
export const REMEDY_CUT_OFF = 'see what its log says of the login';

/** What to do where a connection that stood is no longer answered, in the middle of the handshake. */
export const REMEDY_CUT_IN_HANDSHAKE =
  'the network may be down, packets of full size may be lost on the way (lower the MTU: ' +
  `${systemWords().lowerMtu}), ` +
  'or fail2ban there has banned this address just now: wait 10 minutes, then name the right user, and the right key with -i';

const GONE_OR_BANNED =
  'the network or the bastion may be down, or fail2ban there has banned this address: see whether it answers from ' +
  'elsewhere; if so, wait 10 minutes, then name the right user, and the right key with -i';

/** What may be the matter with a bastion that answered before, by how it does not. */
const NO_LONGER_ANSWERS: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'sshd may be down, or fail2ban there has banned this address: wait 10 minutes, ' +
    'then name the right user, and the right key with -i',
  ETIMEDOUT: GONE_OR_BANNED,
  // Also what the system makes of an ICMP "prohibited" (Linux, net/ipv4/icmp.c, icmp_err_convert).
  EHOSTUNREACH: GONE_OR_BANNED,
};

/** How an `ssh` says it, untranslated. */
const WORDS: ReadonlyArray<readonly [RegExp, string]> = [
  [/connect to host .*: Connection refused$/m, 'ECONNREFUSED'],
  [/connect to host .*: (?:Connection|Operation) timed out$/m, 'ETIMEDOUT'],
  [/connect to host .*: No route to host$/m, 'EHOSTUNREACH'],
];

/**
 * Adds to a connection that failed what may be the matter where the bastion has answered before. Other errors, and those of
 * other bastions, stay as they are.
 */
export function perhapsBanned(error: unknown, hasAnsweredBefore: boolean): unknown {
  if (!hasAnsweredBefore || !(error instanceof TshuttleError)) return error;
  const said = WORDS.find(([words]) => words.test(error.message))?.[1];
  const remedy = NO_LONGER_ANSWERS[systemCodeOf(error.cause) ?? said ?? ''];
  if (remedy === undefined) return error;
  return new TshuttleError(error.code, `${error.message}, and it answered before`, {
    remedy,
    cause: error.cause,
  });
}

/** {@link perhapsBanned} by the user's own known_hosts files, for a bastion that is dialled without any proxy. */
export async function perhapsBannedByFiles(error: TshuttleError, target: SshTarget): Promise<unknown> {
  if (target.proxy.kind !== 'none' || error.code !== 'ERR_BASTION_UNREACHABLE') return error;
  return perhapsBanned(error, hasAnswered(target, readKnownHosts(target.hostKeys)));
}

/**
 * Whether this very host has shown a key on this very port. A line for the host on another port tells nothing of it, nor one
 * with a pattern, which an administrator writes; and HostKeyAlias files a key under a name that has no port.
 */
export function hasAnswered(
  { host, port, hostKeys }: Pick<SshTarget, 'host' | 'port' | 'hostKeys'>,
  entries: readonly KnownHostEntry[],
): boolean {
  const name = port === 22 ? host : `[${host}]:${port}`;
  if (hostKeys.lookupName.toLowerCase() !== name.toLowerCase()) return false;
  return entries.some(
    (entry) => entry.marker === 'none' && !/[*?]/.test(entry.names) && entryNames(entry, name),
  );
}
