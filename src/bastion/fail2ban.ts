import { WRITTEN_BY } from './setup.ts';

/** The filter and the jail, by this name. */
const NAME = 'tshuttle-bastion';

/** Files of fail2ban, below /etc/fail2ban. */
export const FAIL2BAN_FILES = { filter: `filter.d/${NAME}.conf`, jail: `jail.d/${NAME}.local` } as const;

/**
 * Counts connections of known users that end without a login, one each, however many keys were offered in it. Debian's own filter
 * counts none of them: a wrong key is no failure there, since an agent offers many.
 */
export function renderFilter(): string {
  return `# ${WRITTEN_BY}
[INCLUDES]
before = common.conf

[Definition]
_daemon = sshd(?:-session)?
prefregex = ^<F-MLFID>%(__prefix_line)s</F-MLFID><F-CONTENT>.+</F-CONTENT>$
failregex = ^(?:Connection (?:closed|reset) by|Disconnected from) authenticating user <F-USER>\\S+</F-USER> <HOST> port \\d+ \\[preauth\\]\\s*$
            ^Disconnecting authenticating user <F-USER>\\S+</F-USER> <HOST> port \\d+: Too many authentication failures(?: \\[preauth\\])?\\s*$
ignoreregex =
journalmatch = _SYSTEMD_UNIT=ssh.service + _COMM=sshd + _COMM=sshd-session
`;
}

/** Both jails read the journal, which a small Debian has instead of /var/log/auth.log, and ban by nft. */
export function renderJail(): string {
  return `# ${WRITTEN_BY}
[DEFAULT]
banaction = nftables-multiport
banaction_allports = nftables-allports
usedns = no

[sshd]
enabled = true
backend = systemd

[${NAME}]
enabled = true
backend = systemd
filter = ${NAME}
port = ssh
maxretry = 10
findtime = 10m
bantime = 10m
`;
}
