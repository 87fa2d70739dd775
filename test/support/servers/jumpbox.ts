import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES, type Lab } from '../lab/lab.ts';
import { BASTION_USER } from '../lab/machine.ts';
import { withoutPenalties } from '../lab/sshd-features.ts';
import { until } from '../process/until.ts';

const RSYSLOG = `module(load="imuxsock" SysSock.RateLimit.Interval="0")
$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat
auth,authpriv.* /var/log/auth.log
`;

/** So many failures within ten minutes are a ban of ten minutes; Debian's own setting is 5. */
export const MAX_RETRY = 3;

/** The same on every Debian: 13 bans by nftables unless told otherwise, and reads the journal. */
const ACTION = 'iptables-multiport';
const JAIL = `[DEFAULT]
banaction = ${ACTION}
usedns = no
maxretry = ${MAX_RETRY}

[sshd]
enabled = true
backend = polling
journalmatch =
`;

/** A container that is there to forward TCP, and for nothing else; whoever fails too often is banned by fail2ban. */
export interface Jumpbox {
  /** What sshd has logged, by way of syslog. */
  log(): Promise<string>;
  /** The addresses that fail2ban has banned so far. */
  banned(): Promise<readonly string[]>;
  /** Lifts the ban of an address, as its administrator does. */
  unban(address: string): Promise<void>;
  /** Has those who are banned from now on refused, which is the default, or not answered at all. */
  setBlocktype(blocktype: 'REJECT' | 'REJECT --reject-with icmp-host-prohibited' | 'DROP'): Promise<void>;
}

/** Puts a jumpbox in the place of the lab's sshd, with the same host key and user key; it ends with the lab. */
export async function openJumpbox(lab: Lab): Promise<Jumpbox> {
  await lab.sshd.stop();
  const box = join(lab.directory, 'jumpbox');
  await mkdir(box);
  await cp('/etc/fail2ban', join(box, 'fail2ban'), { recursive: true });
  await writeFile(join(box, 'fail2ban', 'jail.local'), JAIL);
  await writeFile(join(box, 'fail2ban', 'fail2ban.local'), '[DEFAULT]\ndbfile = None\n');
  await writeFile(join(box, 'rsyslog.conf'), RSYSLOG);
  await writeFile(join(box, 'sshd_config'), `${(await sshdConfig(lab)).join('\n')}\n`);
  const child = lab.bastion.spawn(['unshare', '--mount', 'sh', 'test/support/servers/jumpbox.sh', box]);
  const read = (name: string): Promise<string> => readFile(join(box, 'log', name), 'utf8').catch(() => '');
  await until(
    async () => {
      if (!child.isRunning) throw new Error(`the jumpbox ended: ${child.stderr}`);
      const isGuarded = (await read('fail2ban.log')).includes("Jail 'sshd' started");
      return isGuarded && (await read('auth.log')).includes('Server listening');
    },
    { deadlineMs: 20_000, what: () => `sshd and fail2ban: ${child.stdout}${child.stderr}` },
  );
  const fail2ban = async (...words: readonly string[]): Promise<void> =>
    void (await lab.bastion.must([
      'fail2ban-client',
      '-s',
      join(box, 'fail2ban.sock'),
      'set',
      'sshd',
      ...words,
    ]));
  return {
    log: () => read('auth.log'),
    banned: async () =>
      [...(await read('fail2ban.log')).matchAll(/\[sshd\] Ban (\S+)/g)].map(([, address = '']) => address),
    unban: (address) => fail2ban('unbanip', address),
    setBlocktype: (blocktype) => fail2ban('action', ACTION, 'blocktype', blocktype),
  };
}

async function sshdConfig(lab: Lab): Promise<readonly string[]> {
  return [
    `ListenAddress ${ADDRESSES.bastion4}`,
    `HostKey ${join(lab.directory, 'host_key')}`,
    `AuthorizedKeysFile ${join(lab.directory, 'authorized_keys')}`,
    'StrictModes no',
    'PidFile none',
    'LogLevel VERBOSE',
    'UsePAM yes',
    `AllowUsers ${BASTION_USER.name}`,
    'PermitRootLogin no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AuthenticationMethods publickey',
    'PermitTTY no',
    'ForceCommand /usr/sbin/nologin',
    'X11Forwarding no',
    'AllowAgentForwarding no',
    'PermitTunnel no',
    'PermitUserRC no',
    'AllowTcpForwarding local',
    'AllowStreamLocalForwarding no',
    // It is fail2ban that bans here.
    ...(await withoutPenalties(['/usr/sbin/sshd'])),
  ];
}
