import { INSTALLED_HELPER } from './installed-helper.ts';

/** sudo reads it because its name has no dot (sudoers(5), includedir). FreeBSD's is a package, which keeps its files below /usr/local. */
export const SUDOERS_FILE =
  process.platform === 'freebsd' ? '/usr/local/etc/sudoers.d/tshuttle' : '/etc/sudoers.d/tshuttle';

/** What needs no quotes in sudoers(5). */
const PLAIN_USER = /^[A-Za-z_][A-Za-z0-9_-]*$/;

const HEAD = `# These users may set tshuttle's redirect rules without a password: one program that only root can change, and no
# arguments. tshuttle sudoers --install puts it there; --uninstall removes it and this file.
Defaults!${INSTALLED_HELPER} env_reset, !setenv, !requiretty
`;

/** The rule for one user. `""` means: without arguments (sudoers(5)). */
export function sudoersLine(user: string): string {
  return `${user} ALL=(root) NOPASSWD: ${INSTALLED_HELPER} ""`;
}

/** Whether a rule can be written for a user of this name. */
export function canBeGranted(user: string): boolean {
  return PLAIN_USER.test(user) && user !== 'ALL';
}

/** The whole file for these users, who come in the order of their names. */
export function renderSudoers(users: readonly string[]): string {
  const lines = [...new Set(users)].sort().map((user) => `${sudoersLine(user)}\n`);
  return HEAD + lines.join('');
}

/** Whom a file of {@link renderSudoers} is for. */
export function usersIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const user = line.split(' ', 1)[0] ?? '';
    return canBeGranted(user) && line === sudoersLine(user) ? [user] : [];
  });
}
