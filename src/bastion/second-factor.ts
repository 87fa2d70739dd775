import { type BastionSetup, WRITTEN_BY } from './setup.ts';

/** Where the secrets are, one file a user, root's: the account of the tunnels has no home, and could not change its own. */
export const SECRETS_FOLDER = '/var/lib/tshuttle-bastion/totp';

/**
 * /etc/pam.d/sshd as it has to stand: the code is all that PAM asks for. A line that is only appended leaves common-auth in front,
 * which asks for a password that nobody has. Who has no secret gets in nowhere (no nullok).
 *
 * Everything below `auth` is what Debian has.
 */
export function renderPamFile(): string {
  return `# ${WRITTEN_BY}
auth       required     pam_google_authenticator.so secret=${SECRETS_FOLDER}/\${USER} user=root
account    required     pam_nologin.so
@include common-account
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
session    required     pam_loginuid.so
session    optional     pam_keyinit.so force revoke
@include common-session
session    required     pam_limits.so
session    required     pam_env.so
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so open
@include common-password
`;
}

/** The command that makes the secret of a user and shows it once: codes by time, each good once, three tries in 30 s. */
export function enrolCommand({ user }: Pick<BastionSetup, 'user'>): string {
  return (
    'google-authenticator --time-based --disallow-reuse --force --rate-limit=3 --rate-time=30 --window-size=3 ' +
    `--label=${user}@"$(hostname)" --issuer=bastion --secret=${SECRETS_FOLDER}/${user}`
  );
}
