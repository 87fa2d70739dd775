import { messageOf, TshuttleError } from '../core/errors.ts';
import { printableLine } from './server-text.ts';
import type { SshTarget } from './ssh-target.ts';
import { describeTarget } from './target-from-config.ts';

/** What happened while authenticating, for the error message. */
export interface AuthenticationRecord {
  /** Refused by the bastion: descriptions of keys and of other attempts. */
  readonly tried: string[];
  /** What was passed over on our side, and why. */
  readonly notes: string[];
  /** Methods that were accepted as one part of several. */
  readonly accepted: string[];
  /** The methods that the bastion last said could continue. */
  wanted: string[];
  /** There were more keys than may be offered in one connection. */
  keysLeftOut: boolean;
}

/**
 * ERR_BASTION_AUTH with all that was tried, what the bastion still wants, and what to do.
 *
 * @param cause what the bastion said when it ended the connection itself
 */
export function authenticationError(
  target: SshTarget,
  record: AuthenticationRecord,
  cause: unknown,
): TshuttleError {
  const sentences = [
    record.tried.length === 0 ? 'there was nothing to offer it' : `refused were: ${record.tried.join(', ')}`,
    ...(record.accepted.length === 0 ? [] : [`accepted were: ${record.accepted.join(', ')}`]),
    ...(record.wanted.length === 0 ? [] : [`it still wants ${record.wanted.join(' or ')}`]),
    ...record.notes,
    ...(cause === undefined ? [] : [`the bastion ended the connection: ${printableLine(messageOf(cause))}`]),
  ];
  const message = `bastion ${describeTarget(target)} does not let us in: ${sentences.join('; ')}`;
  return new TshuttleError('ERR_BASTION_AUTH', message, { remedy: remedyFor(target, record), cause });
}

function remedyFor(target: SshTarget, record: AuthenticationRecord): string {
  if (record.keysLeftOut)
    return 'there are more keys than the bastion would let us try; name the right one with -i FILE';
  const wantsKey = record.wanted.includes('publickey') || record.wanted.length === 0;
  if (wantsKey && record.tried.length === 0) {
    return 'name the key with -i FILE, or load it into ssh-agent with ssh-add';
  }
  if (wantsKey) {
    return `check the user name, and that one of these keys is in ~/.ssh/authorized_keys of ${target.user} on the bastion; name the key with -i FILE`;
  }
  return 'run it once on a terminal, where it can ask; or use a key';
}
