/** What a unit runs. */
export interface ServiceProgram {
  /** Absolute path of Node.js. */
  readonly nodePath: string;
  /** Absolute path of bin/tshuttle. */
  readonly script: string;
}

/** The user's own unit, for all the profiles that are to be up. */
export const USER_UNIT = 'tshuttle.service';

/** The machine's unit of one profile. */
export function systemUnitName(profile: string): string {
  return `tshuttle-${profile}.service`;
}

/** The user that the machine's units run as. */
export const SYSTEM_USER = 'tshuttle';

/** Where the machine's profiles are, in config.yaml, and in a folder for each its key and known_hosts. */
export const SYSTEM_FOLDER = '/etc/tshuttle';

/** What another try cannot mend: usage, a host key, refused logins, configuration. */
const NOT_WORTH_ANOTHER_TRY = '64 76 77 78';

/** What a started service is watched by. The helper has 45 s to undo what it did. */
const LIFE_CYCLE = `Type=notify
NotifyAccess=main
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=${NOT_WORTH_ANOTHER_TRY}
WatchdogSec=30
TimeoutStartSec=180
TimeoutStopSec=60
KillMode=mixed
UMask=0077
`;

/**
 * Starts the profiles at login, or at boot where the user lingers (loginctl(1)).
 *
 * @param configHome where the profiles are, when not in ~/.config: the user's systemd need not know of it
 */
export function renderUserUnit(
  program: ServiceProgram,
  profiles: readonly string[],
  configHome: string | undefined,
): string {
  return `# Written by tshuttle service install.
[Unit]
Description=tshuttle: ${profiles.join(', ')}
StartLimitIntervalSec=0

[Service]
ExecStart=${commandLine(program, profiles)}
${configHome === undefined ? '' : `Environment=${quote(`XDG_CONFIG_HOME=${configHome}`)}\n`}${LIFE_CYCLE}
[Install]
WantedBy=default.target
`;
}

/**
 * Starts one profile at boot, as a user of its own that may change the rules of the network and nothing else. The key and
 * known_hosts are root's; the service has copies that only it can read (systemd.exec(5), CREDENTIALS).
 */
export function renderSystemUnit(program: ServiceProgram, profile: string): string {
  const unit = systemUnitName(profile).replace(/\.service$/, '');
  return `# Written by tshuttle service install --system.
[Unit]
Description=tshuttle: ${profile}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${commandLine(program, [profile])}
${LIFE_CYCLE}User=${SYSTEM_USER}
Environment=XDG_CONFIG_HOME=${SYSTEM_FOLDER.replace(/\/tshuttle$/, '')}
Environment=XDG_RUNTIME_DIR=%t/${unit}
Environment=XDG_STATE_HOME=%S/${unit}
LoadCredential=identity:${SYSTEM_FOLDER}/${profile}/identity
LoadCredential=known_hosts:${SYSTEM_FOLDER}/${profile}/known_hosts
RuntimeDirectory=${unit}
RuntimeDirectoryMode=0700
StateDirectory=${unit}
StateDirectoryMode=0700
AmbientCapabilities=CAP_NET_ADMIN
CapabilityBoundingSet=CAP_NET_ADMIN
NoNewPrivileges=yes
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
LockPersonality=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;
}

/** sysusers.d(5): the user that the machine's units run as. */
export function renderSysusers(): string {
  return `# Written by tshuttle service install --system.\nu ${SYSTEM_USER} - "tshuttle" /\n`;
}

function commandLine({ nodePath, script }: ServiceProgram, profiles: readonly string[]): string {
  return [nodePath, script, 'up', '--foreground', ...profiles].map(quote).join(' ');
}

/** systemd.service(5), COMMAND LINES, and systemd.unit(5), SPECIFIERS. */
function quote(word: string): string {
  const escaped = word.replace(/["\\]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./@:+%-]+$/.test(word) ? escaped : `"${escaped}"`;
}
