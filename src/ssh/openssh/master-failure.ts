import { type ErrorCode, TshuttleError } from '../../core/errors.ts';
import { LoginCutOff } from '../login/login-cut-off.ts';
import { REMEDY_CUT_OFF, REMEDY_HUNG_UP, REMEDY_TURNED_AWAY } from '../login/shut-out.ts';
import type { SshTarget } from '../ssh-target.ts';
import { describeTarget } from '../ssh-target.ts';

/** How an `ssh` has ended. */
export interface SshEnding {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last words on standard error, the oldest first. */
  readonly lines: readonly string[];
}

/** What `/bin/sh` ends with when there is no such program. */
const NO_SUCH_PROGRAM = 127;

/** By the peer itself: of a connection that a proxy makes, ssh knows no address, and the line before says what is wrong. */
const HUNG_UP = /^Connection (?:closed|reset) by (?!UNKNOWN )\S+ port \d+$/;

interface FailureKind {
  readonly code: ErrorCode;
  /** In the words of ssh, which has no others: it is not translated. */
  readonly words: RegExp;
  readonly what: string;
  /** @param said the line of ssh that decides */
  remedy(target: SshTarget, said: string, lines: readonly string[]): string;
}

/**
 * The first that any line matches decides: an ssh that ends for one reason may say others behind it, and so do the ones of
 * its jump hosts.
 */
const KINDS: readonly FailureKind[] = [
  {
    code: 'ERR_CONFIG',
    words:
      /bad configuration option|^command-line.*line \d|terminating, \d+ bad configuration|no matching .* found/i,
    what: 'ssh cannot connect as configured',
    remedy: () => 'correct the -o option or the line of the ssh configuration that it names',
  },
  {
    code: 'ERR_CONFIG',
    words: /^No user exists for uid \d+/,
    what: 'ssh cannot run',
    remedy: () => 'use --transport ssh2, or give this uid an account (a line in /etc/passwd)',
  },
  {
    code: 'ERR_HOST_KEY',
    words: /\brevoked\b/i,
    what: 'shows a host key that is revoked',
    remedy: () => 'ask who runs the bastion what has happened; do not connect before',
  },
  {
    code: 'ERR_HOST_KEY',
    words: /host key for (\S+) has changed/i,
    what: 'shows another host key than the one that is known',
    remedy: (_target, said) =>
      `compare the fingerprint with what the bastion's administrator says; if it is the same, remove the old key with: ssh-keygen -R '${/ for (\S+) has/.exec(said)?.[1]}'`,
  },
  {
    code: 'ERR_HOST_KEY',
    words: /host key verification failed|host key is known for/i,
    what: 'ssh does not trust the host key',
    remedy: (target) =>
      `compare the fingerprint with what the bastion's administrator says, then connect once on a terminal with: ssh ${portOption(target)}${target.user}@${target.requestedHost}`,
  },
  {
    code: 'ERR_BASTION_AUTH',
    words: /too many authentication failures/i,
    what: 'refused the login',
    remedy: () =>
      'if ssh has offered every key of the agent: name the right one with -i, and set -o IdentitiesOnly=yes',
  },
  {
    code: 'ERR_BASTION_AUTH',
    words: /permission denied|no supported authentication methods|authentication failed/i,
    what: 'refused the login',
    remedy: (target) =>
      `see that this lets you in, and by which key or answer: ssh ${portOption(target)}${target.user}@${target.requestedHost}`,
  },
  {
    code: 'ERR_BASTION_UNREACHABLE',
    words: /^(?:Not allowed at this time|Exceeded MaxStartups)/,
    what: 'turns us away before the handshake',
    remedy: () => REMEDY_TURNED_AWAY,
  },
  {
    code: 'ERR_BASTION_UNREACHABLE',
    words: HUNG_UP,
    what: 'hung up on ssh',
    remedy: (_target, _said, lines) => (isCutOff(lines) ? REMEDY_CUT_OFF : REMEDY_HUNG_UP),
  },
  {
    code: 'ERR_BASTION_UNREACHABLE',
    words: /./,
    what: 'cannot be reached by ssh',
    remedy: () => 'check the host and the port, and the network',
  },
];

/** The error for a master that ended before it was up. */
export function masterFailure(target: SshTarget, ending: SshEnding): TshuttleError {
  if (ending.exitCode === NO_SUCH_PROGRAM) {
    return new TshuttleError(
      'ERR_CONFIG',
      'the openssh transport needs ssh, and there is none on this machine',
      {
        remedy: 'install the OpenSSH client, or leave --transport openssh out',
      },
    );
  }
  const kind = KINDS.find(({ words }) => ending.lines.some((line) => words.test(line))) ?? KINDS.at(-1)!;
  const telling = ending.lines.findLast((line) => kind.words.test(line));
  const said = telling === undefined ? describeEnding(ending) : telling;
  return new TshuttleError(kind.code, `bastion ${describeTarget(target)}: ${kind.what}: ${said}`, {
    remedy: kind.remedy(target, said, ending.lines),
    cause: isCutOff(ending.lines) ? new LoginCutOff(said) : undefined,
  });
}

/** Behind the exchange of versions, and without a word: to the bastion it may be a failed login. */
function isCutOff(lines: readonly string[]): boolean {
  const isClosed = lines.some((line) => HUNG_UP.test(line));
  return isClosed && !lines.some((line) => line.startsWith('kex_exchange_identification: '));
}

/** How it ended and what it said last, for people. */
export function describeEnding({ exitCode, signal, lines }: SshEnding): string {
  const how = signal === null ? `ssh ended with status ${exitCode}` : `ssh was ended by ${signal}`;
  const last = lines.at(-1);
  return last === undefined ? how : `${how}, saying '${last}'`;
}

function portOption({ port }: SshTarget): string {
  return port === 22 ? '' : `-p ${port} `;
}

/**
 * Refuses where no `ssh` can be a master: that of Windows stays up and makes no control socket, which would be waited for in vain.
 *
 * @throws TshuttleError ERR_CONFIG on Windows
 */
export function requireMaster(remedy: string): void {
  if (process.platform !== 'win32') return;
  const message = 'OpenSSH for Windows has no ControlMaster, so that it opens no channels for us';
  throw new TshuttleError('ERR_CONFIG', message, { remedy });
}
