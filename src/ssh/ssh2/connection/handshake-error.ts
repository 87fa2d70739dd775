import { messageOf, systemCodeOf, TshuttleError } from '../../../core/errors.ts';
import { printableLine } from '../../../core/printable.ts';
import { LoginCutOff } from '../../login/login-cut-off.ts';
import {
  REMEDY_CUT_IN_HANDSHAKE,
  REMEDY_CUT_OFF,
  REMEDY_HUNG_UP,
  REMEDY_TURNED_AWAY,
} from '../../login/shut-out.ts';
import type { SshTarget } from '../../ssh-target.ts';
import { nameTarget } from '../../ssh-target.ts';
import { ProtocolViolation } from '../peer-conduct.ts';

const SHOWN_EARLY_TEXT_LENGTH = 200;

/** What is known when a handshake breaks off. */
export interface HandshakeFailure {
  readonly target: SshTarget;
  /** How the bastion is reached, for people. */
  readonly via: string;
  /** What ssh2 or the socket threw; undefined when the bastion just closed. */
  readonly thrown: unknown;
  /** What the bastion sent before it named its version, if that never came. */
  readonly earlyText: string;
  /** The bastion's algorithms by ssh2's name for the list, as far as it told them. */
  readonly offeredByBastion: ReadonlyMap<string, string>;
}

/** ssh2's words for a list, what ssh_config(5) calls it, and where ours is. */
const NEGOTIATED_LISTS = [
  { failure: 'key exchange algorithm', offer: 'KEX method', keyword: 'KexAlgorithms', list: 'keyExchange' },
  { failure: 'host key format', offer: 'Host key format', keyword: 'HostKeyAlgorithms', list: 'hostKey' },
  { failure: 'C->S cipher', offer: 'C->S cipher', keyword: 'Ciphers', list: 'cipher' },
  { failure: 'S->C cipher', offer: 'S->C cipher', keyword: 'Ciphers', list: 'cipher' },
  { failure: 'C->S MAC', offer: 'C->S MAC', keyword: 'MACs', list: 'mac' },
  { failure: 'S->C MAC', offer: 'S->C MAC', keyword: 'MACs', list: 'mac' },
  { failure: 'C->S compression', offer: 'C->S compression', keyword: 'Compression', list: 'compression' },
  { failure: 'S->C compression', offer: 'S->C compression', keyword: 'Compression', list: 'compression' },
] as const;

/** The error for a handshake that broke off before authentication. */
export function handshakeError(failure: HandshakeFailure): TshuttleError {
  return disagreement(failure) ?? brokenOff(failure);
}

/** No algorithm in common: nothing that trying again would change. */
function disagreement(failure: HandshakeFailure): TshuttleError | undefined {
  const reason = messageOf(failure.thrown);
  if (!reason.includes('no matching')) return undefined;
  const list = NEGOTIATED_LISTS.find((candidate) => reason.endsWith(candidate.failure));
  if (list === undefined) return undefined;
  const theirs = failure.offeredByBastion.get(list.offer);
  const offered = theirs === undefined ? 'something else' : printableLine(theirs).replaceAll(',', ', ');
  const ours = failure.target.algorithms[list.list].join(', ');
  const isForOpenssh =
    process.platform !== 'win32' && list.list === 'keyExchange' && /(?:^|,)sntrup761/.test(theirs ?? '');
  return new TshuttleError(
    'ERR_CONFIG',
    `${nameTarget(failure.target)} and tshuttle have no ${list.keyword} in common: it offers ${offered}; we offer ${ours}`,
    {
      remedy:
        `allow one of ours on the bastion, or one of its own that tshuttle has with -o ${list.keyword}=...` +
        (isForOpenssh ? '; --transport openssh has your own ssh agree on sntrup761' : ''),
      cause: failure.thrown,
    },
  );
}

/** Whether a bastion, or a jump host, and ssh2 have no algorithm in common. */
export function isDisagreement(thrown: unknown): thrown is TshuttleError {
  return (
    thrown instanceof TshuttleError &&
    thrown.code === 'ERR_CONFIG' &&
    messageOf(thrown.cause).includes('no matching')
  );
}

function brokenOff(failure: HandshakeFailure): TshuttleError {
  const { target, via, thrown } = failure;
  const where = `${nameTarget(target)} (${via})`;
  const said = printableLine(failure.earlyText).slice(0, SHOWN_EARLY_TEXT_LENGTH);
  if (said !== '' && isClosing(thrown)) {
    return unreachable(
      `${where} closed the connection before the handshake, saying '${said}'`,
      REMEDY_TURNED_AWAY,
      thrown,
    );
  }
  const heard = said === '' ? '' : `; it sent '${said}'`;
  return unreachable(
    `handshake with ${where} failed: ${describeEnding(thrown)}${heard}`,
    remedyFor(thrown),
    thrown,
  );
}

/** For one that does what no server does. */
export const REMEDY_NO_SERVER = 'ask the administrator of the bastion what answers there';

function remedyFor(thrown: unknown): string {
  if (thrown instanceof ProtocolViolation) return REMEDY_NO_SERVER;
  if (isUnanswered(thrown)) return REMEDY_CUT_IN_HANDSHAKE;
  return isClosing(thrown) ? REMEDY_HUNG_UP : 'check that an ssh server listens there';
}

/** Nothing that we sent was acknowledged for so long that the kernel gave the connection up. */
function isUnanswered(thrown: unknown): boolean {
  return ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'].includes(systemCodeOf(thrown) ?? '');
}

/** The bastion said nothing for too long. */
export class Silence extends Error {
  override readonly name = 'Silence';
}

/**
 * Whether a login broke off by itself: by the path, which is worth another connection, or without a word of a bastion that
 * had nothing to refuse.
 *
 * @param mayBeRefused whether the bastion was given something that it may have found wrong
 */
export function isCutOff(thrown: unknown, mayBeRefused: boolean): boolean {
  const isWordless = thrown === undefined || thrown instanceof Silence;
  return systemCodeOf(thrown)?.startsWith('E') === true || (isWordless && !mayBeRefused);
}

/** The error for a connection that went away in the middle of a login that was not refused. */
export function loginCutOff(target: SshTarget, via: string, thrown: unknown): TshuttleError {
  const why = describeEnding(thrown);
  return unreachable(
    `lost the ${nameTarget(target)} (${via}) in the middle of the login: ${why}`,
    isUnanswered(thrown) ? REMEDY_CUT_IN_HANDSHAKE : REMEDY_CUT_OFF,
    new LoginCutOff(why, { cause: thrown }),
  );
}

/** Whether the bastion has hung up; ssh2 has its own words for a close before the version. */
function isClosing(thrown: unknown): boolean {
  return (
    thrown === undefined ||
    systemCodeOf(thrown) === 'ECONNRESET' ||
    systemCodeOf(thrown) === 'EPIPE' ||
    messageOf(thrown) === 'Connection lost before handshake'
  );
}

/** Why a connection ended, for people: not which system call was the first to notice. */
export function describeEnding(thrown: unknown): string {
  if (systemCodeOf(thrown) === 'ECONNRESET') return 'it reset the connection';
  if (isUnanswered(thrown)) return 'it acknowledges nothing any more';
  return isClosing(thrown) ? 'it closed the connection' : printableLine(messageOf(thrown));
}

function unreachable(message: string, remedy: string, cause: unknown): TshuttleError {
  return new TshuttleError('ERR_BASTION_UNREACHABLE', message, { remedy, cause });
}
