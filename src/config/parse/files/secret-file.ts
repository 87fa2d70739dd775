import { fstatSync, type Stats } from 'node:fs';
import { hasFileModes } from '../../../core/files/file-owner.ts';

/** Whose file it may be, beside root's. */
interface Owners {
  readonly userId: number | undefined;
  /** Who made this process root by sudo: the file is his, and root is as good as he. */
  readonly sudoUserId: number | undefined;
}

/**
 * Why an open file keeps no secret, in one sentence; undefined when only its owner can read it, who is this user or root.
 *
 * What root has given to a group, or by an access list, which the bits of the group stand for, was given to us on purpose: a file
 * for a service's user, a credential of systemd.
 */
export function whyNoSecret(
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  { userId, sudoUserId }: Owners = thisProcess(),
): string | undefined {
  if (uid !== 0 && uid !== userId && uid !== sudoUserId)
    return `it belongs to another user (${uid}), who can read it`;
  const forbidden = uid === 0 && userId !== 0 ? 0o027 : 0o077;
  if ((mode & forbidden) === 0) return undefined;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return `others can read or write it (mode ${shown}); chmod 600 it, and change the password`;
}

/** A file that should keep a secret does not; the message is a reason in one sentence. */
export class NoSecretError extends Error {
  override readonly name = 'NoSecretError';
}

/** Looks at an open file, so that it is the one that is read. @throws NoSecretError */
export function refuseUnlessSecret(descriptor: number): void {
  const why = hasFileModes() ? whyNoSecret(fstatSync(descriptor)) : undefined;
  if (why !== undefined) throw new NoSecretError(why);
}

function thisProcess(): Owners {
  const userId = process.geteuid?.();
  const sudo = Number(process.env['SUDO_UID'] ?? '');
  const isSudoUser = userId === 0 && Number.isInteger(sudo) && sudo > 0;
  return { userId, sudoUserId: isSudoUser ? sudo : undefined };
}
