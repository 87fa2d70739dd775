import { messageOf, TshuttleError } from '../../core/errors.ts';
import { printableLine } from '../../core/printable.ts';
import { sudoUser } from '../../core/sudo-user.ts';
import type { AuthenticationMethod, SshTarget } from '../ssh-target.ts';
import { nameTarget } from '../ssh-target.ts';

/** What an attempt consisted of; never the secret itself. */
export type OfferedCredential =
  | { readonly method: 'publickey'; readonly description: string }
  | { readonly method: 'password'; readonly description: 'password' }
  /** `unasked` as long as the bastion has put no question. */
  | { readonly method: 'keyboard-interactive'; readonly description: 'answers' | 'unasked' };

/** Why something was passed over on our side. */
interface AuthenticationNote {
  readonly reason: string;
  /** Given where that reason is likely to be the whole matter; it then goes first. */
  readonly remedy: string | undefined;
}

/** What happened while authenticating, for the error message. */
export interface AuthenticationRecord {
  readonly refused: OfferedCredential[];
  readonly notes: AuthenticationNote[];
  /** Methods that were accepted as one part of several. */
  readonly accepted: AuthenticationMethod[];
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
  const leading = record.notes.filter((note) => note.remedy !== undefined);
  const other = record.notes.filter((note) => note.remedy === undefined);
  const isNothingSaid = leading.length === 0 && record.refused.length === 0;
  const sentences = [
    ...leading.map(({ reason }) => reason),
    ...(isNothingSaid ? ['there was nothing to offer it'] : refusals(record.refused)),
    ...(record.accepted.length === 0 ? [] : [`accepted so far: ${record.accepted.join(', ')}`]),
    ...(record.wanted.length === 0 ? [] : [`it accepts: ${record.wanted.join(', ')}`]),
    ...other.map(({ reason }) => reason),
    ...(cause === undefined ? [] : [`the bastion ended the connection: ${printableLine(messageOf(cause))}`]),
  ];
  const message = `${nameTarget(target)} refused the login; ${sentences.join('; ')}`;
  return new TshuttleError('ERR_BASTION_AUTH', message, { remedy: remedyFor(target, record), cause });
}

/** ERR_BASTION_AUTH for a password that was right, but has to be changed before anything else. */
export function passwordExpired(target: SshTarget): TshuttleError {
  const portOption = target.port === 22 ? '' : ` -p ${target.port}`;
  return new TshuttleError(
    'ERR_BASTION_AUTH',
    `${nameTarget(target)} refused the login: the password has to be changed first`,
    { remedy: `change it by logging in once with: ssh${portOption} ${target.user}@${target.host}` },
  );
}

/** One sentence for all keys, and one for each other kind with how often. */
function refusals(refused: readonly OfferedCredential[]): string[] {
  const keys = refused.filter(({ method }) => method === 'publickey');
  const counted = [
    { description: 'password', sentence: 'the password was refused' },
    { description: 'answers', sentence: 'the answers to its questions were refused' },
    { description: 'unasked', sentence: 'keyboard-interactive was refused without a question' },
  ].map(({ description, sentence }) => ({
    sentence,
    count: refused.filter((one) => one.method !== 'publickey' && one.description === description).length,
  }));
  return [
    ...(keys.length === 0 ? [] : [`tried: ${keys.map(({ description }) => description).join(', ')}`]),
    ...counted
      .filter(({ count }) => count > 0)
      .map(({ sentence, count }) => (count === 1 ? sentence : `${sentence} (${count} times)`)),
  ];
}

function remedyFor(target: SshTarget, record: AuthenticationRecord): string {
  if (record.keysLeftOut)
    return 'there are more keys than the bastion would let us try; name the right one with -i FILE';
  const noted = record.notes.find((note) => note.remedy !== undefined)?.remedy;
  if (noted !== undefined) return noted;
  const wantsKey = record.wanted.includes('publickey') || record.wanted.length === 0;
  const secret = refusedSecret(record.refused);
  if (secret !== undefined) {
    const code =
      secret === 'answers' ? '; a one-time code counts once, and only while both clocks are right' : '';
    return `check the user name and the ${secret}${wantsKey ? ', or name a key with -i FILE' : ''}${code}`;
  }
  if (wantsKey && !record.refused.some(({ method }) => method === 'publickey')) {
    const user = sudoUser();
    if (user !== undefined) {
      return (
        `leave sudo out: as root it has root's keys and agent, not those of ${user}, and tshuttle asks for what it needs of ` +
        'sudo itself; or name the key with -i FILE'
      );
    }
    return 'name the key with -i FILE, or load it into ssh-agent with ssh-add';
  }
  if (wantsKey) {
    return `check the user name, and that one of these keys is in ~/.ssh/authorized_keys of ${target.user} on the bastion; name the key with -i FILE`;
  }
  return 'run it once on a terminal, where it can ask; or use a key';
}

function refusedSecret(refused: readonly OfferedCredential[]): 'password' | 'answers' | undefined {
  if (refused.some(({ method }) => method === 'password')) return 'password';
  return refused.some(({ description }) => description === 'answers') ? 'answers' : undefined;
}
