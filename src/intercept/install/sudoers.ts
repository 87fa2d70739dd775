import { systemWords } from '../../core/systems/system-words.ts';
import { findSudo, isSudoRs } from './find-sudo.ts';
import { INSTALLED_HELPER } from './installed-helper.ts';

/** What sudo reads of ours. */
export const SUDOERS_FILE = systemWords().sudoersFile;

/** What needs no quotes in sudoers(5). */
const PLAIN_USER = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** sudo-rs never wants a terminal, does not know the setting that says so, and refuses a file with a setting that it does not know. */
const head = (
  isRs: boolean,
): string => `# These users may set tshuttle's redirect rules without a password: one program that only root can change, and no
# arguments. tshuttle sudoers --install puts it there; --uninstall removes it and this file.
Defaults!${INSTALLED_HELPER} env_reset, !setenv${isRs ? '' : ', !requiretty'}
`;

/** The rule for one user. `""` means: without arguments (sudoers(5)). */
export function sudoersLine(user: string): string {
  return `${user} ALL=(root) NOPASSWD: ${INSTALLED_HELPER} ""`;
}

/** Whether a rule can be written for a user of this name. */
export function canBeGranted(user: string): boolean {
  return PLAIN_USER.test(user) && user !== 'ALL';
}

/**
 * The whole file for these users, who come in the order of their names.
 *
 * @param isRs whether it is sudo-rs that reads it
 */
export function renderSudoers(users: readonly string[], isRs = isSudoRs(findSudo())): string {
  const lines = [...new Set(users)].sort().map((user) => `${sudoersLine(user)}\n`);
  return head(isRs) + lines.join('');
}

/** Whom a file of {@link renderSudoers} is for. */
export function usersIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const user = line.split(' ', 1)[0] ?? '';
    return canBeGranted(user) && line === sudoersLine(user) ? [user] : [];
  });
}
