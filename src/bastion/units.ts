import { WRITTEN_BY } from './setup.ts';

/** Where the nft rules are. */
export const RULES_FILE = '/etc/tshuttle-bastion.nft';

/** The unit that sets them. */
export const RULES_UNIT = 'tshuttle-bastion-rules.service';

/** Set at boot, and again when nftables.service, which begins by removing all rules, is started or reloaded. */
export function renderRulesUnit(): string {
  return `# ${WRITTEN_BY}
[Unit]
Description=What tunnels through this bastion may connect to
DefaultDependencies=no
After=local-fs.target nftables.service systemd-sysusers.service
Before=network-pre.target
Wants=network-pre.target
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${RULES_FILE}
ExecReload=/usr/sbin/nft -f ${RULES_FILE}

[Install]
WantedBy=multi-user.target
`;
}

/**
 * sshd with descriptors for thousands of flows, each of which takes one or two; with host keys of its own, as an image of this machine
 * whose host keys were removed makes new ones when it boots; and not without the rules.
 */
export function renderSshUnitDropIn(): string {
  return `# ${WRITTEN_BY}
[Service]
LimitNOFILE=65536
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/nft -f ${RULES_FILE}
ExecStartPre=/usr/sbin/sshd -t
`;
}

/** Upgrades by night; a file that we changed is kept, and does not keep its package from being upgraded. */
export function renderUpgrades(): string {
  return `// ${WRITTEN_BY}
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Dpkg::Options { "--force-confdef"; "--force-confold"; };
`;
}
