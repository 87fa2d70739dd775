import { permitOpenWords } from './allowed.ts';
import { GATE_SCRIPT, MANAGEMENT_KEYS, managementAccountOf } from './gates/gate-places.ts';
import { type BastionSetup, KEYS_FOLDER } from './setup.ts';

/**
 * What sshd takes of algorithms. AES-GCM comes first: it is what tshuttle has fast everywhere. What is weak is taken out of sshd's own
 * list by name, so that each release keeps what it has that is better.
 */
export const ALGORITHM_LINES: readonly string[] = [
  'Ciphers ^aes128-gcm@openssh.com,aes256-gcm@openssh.com',
  'MACs -*sha1*,*md5*,umac-64*,hmac-sha2-256,hmac-sha2-512,umac-128@openssh.com',
  'KexAlgorithms -*sha1,diffie-hellman-group14-*,diffie-hellman-group-exchange-*',
  'HostKeyAlgorithms -ssh-rsa,ssh-rsa-cert-v01@openssh.com,ssh-dss*',
];

/** Who may log in, and how: by a key or a certificate, and never as root. */
const LOGIN_LINES: readonly string[] = [
  'PermitRootLogin no',
  'PubkeyAuthentication yes',
  'PasswordAuthentication no',
  'KbdInteractiveAuthentication no',
  'HostbasedAuthentication no',
  'PermitEmptyPasswords no',
  'AuthenticationMethods publickey',
  'PermitUserEnvironment no',
  'StrictModes yes',
];

/** How many may knock at once, how long they may take, and what is told of them. */
const LIMIT_LINES: readonly string[] = [
  'LoginGraceTime 60',
  'MaxStartups 50:30:200',
  'MaxAuthTries 6',
  // The fingerprint of the key that let somebody in.
  'LogLevel VERBOSE',
  'UseDNS no',
];

/** What an account does that is there to forward TCP and for nothing else. */
const FORWARD_ONLY_LINES: readonly string[] = [
  'AllowTcpForwarding local',
  'AllowStreamLocalForwarding no',
  'AllowAgentForwarding no',
  'X11Forwarding no',
  'PermitTunnel no',
  'PermitTTY no',
  'PermitUserRC no',
  'GatewayPorts no',
  'ForceCommand /usr/sbin/nologin',
  // One session of tshuttle's, whose program is refused: sshd sends small answers at once after it. A forward needs none.
  'MaxSessions 2',
  // A client that is gone without a word gives its descriptors back after six minutes.
  'ClientAliveInterval 120',
  'ClientAliveCountMax 3',
];

/** The drop-in of a machine: everybody logs in by a key, and the account of the tunnels can do nothing but forward. */
export function renderDropIn(setup: BastionSetup): readonly string[] {
  const { kind, user, authorities, allowed, hasSecondFactor } = setup;
  const permitted = permitOpenWords(allowed);
  return [
    '# For sshd the first value of a keyword counts, so this file is read before all others.',
    ...LOGIN_LINES,
    'UsePAM yes',
    ...LIMIT_LINES,
    ...ALGORITHM_LINES,
    '',
    `Match User ${user}`,
    ...(hasSecondFactor
      ? ['KbdInteractiveAuthentication yes', 'AuthenticationMethods publickey,keyboard-interactive:pam']
      : []),
    ...(kind === 'gate'
      ? [
          'AuthorizedKeysFile none',
          `AuthorizedKeysCommand ${GATE_SCRIPT} --authorized`,
          `AuthorizedKeysCommandUser ${managementAccountOf(user)}`,
        ]
      : [`AuthorizedKeysFile ${KEYS_FOLDER}/authorized_keys`]),
    ...(authorities.length === 0
      ? []
      : [`TrustedUserCAKeys ${KEYS_FOLDER}/user_ca`, `AuthorizedPrincipalsFile ${KEYS_FOLDER}/principals`]),
    ...FORWARD_ONLY_LINES,
    ...(permitted === undefined ? [] : [`PermitOpen ${permitted.join(' ')}`]),
    ...(kind === 'gate' ? managementLines(user) : []),
    '# Whatever is read after this file is for everybody again.',
    'Match all',
  ];
}

/** The account that changes keys runs one script, and forwards nothing. */
function managementLines(user: string): readonly string[] {
  return [
    '',
    `Match User ${managementAccountOf(user)}`,
    `AuthorizedKeysFile ${MANAGEMENT_KEYS}`,
    'DisableForwarding yes',
    'PermitTTY no',
    'PermitUserRC no',
    `ForceCommand ${GATE_SCRIPT}`,
  ];
}

/** Where a container has its host key and what lets in; mounted, never part of the image. */
export const MOUNTED_FOLDER = '/etc/ssh/keys';

/** Above 1023, where no capability is needed to listen. */
export const CONTAINER_PORT = 2222;

/** The whole sshd_config of a container, whose sshd is the account of the tunnels itself and not root. */
export function renderContainerConfig(setup: BastionSetup, permitted: readonly string[]): readonly string[] {
  const { user, authorities, hasAuditLog } = setup;
  return [
    `Port ${CONTAINER_PORT}`,
    `HostKey ${MOUNTED_FOLDER}/ssh_host_ed25519_key`,
    'PidFile none',
    `AllowUsers ${user}`,
    ...LOGIN_LINES,
    'UsePAM no',
    ...LIMIT_LINES.map((line) => (hasAuditLog && line.startsWith('LogLevel') ? AUDIT_LOG_LEVEL : line)),
    ...ALGORITHM_LINES,
    `AuthorizedKeysFile ${MOUNTED_FOLDER}/authorized_keys`,
    ...(authorities.length === 0
      ? []
      : [
          `TrustedUserCAKeys ${MOUNTED_FOLDER}/user_ca`,
          `AuthorizedPrincipalsFile ${MOUNTED_FOLDER}/principals`,
        ]),
    ...FORWARD_ONLY_LINES,
    `PermitOpen ${permitted.join(' ')}`,
  ];
}

/** The least at which sshd names a destination (`server_request_direct_tcpip`). */
const AUDIT_LOG_LEVEL = 'LogLevel DEBUG1';
