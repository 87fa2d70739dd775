import { existsSync } from 'node:fs';
import { chown, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** An ordinary user of the lab; may sudo without a password. */
export const ORDINARY_USER = { name: 'alice', id: 10_077 } as const;

/** A user of the bastion that has a shell and the password {@link BASTION_PASSWORD}. */
export const BASTION_USER = { name: 'engineer', id: 10_078 } as const;

/** Password of {@link BASTION_USER}; its sha512-crypt hash stands in the lab's shadow file. */
export const BASTION_PASSWORD = 'lab-password';
const BASTION_PASSWORD_HASH =
  '$6$labsalt$7q5WcrqGiXe9t4NqzUCXSjXviufqgcnDIUsslgol0pBGXuN9KAvjtVPw4MwK4zK3.kVyl/JkP6hwBZrvg2QOW/';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

const SSHD_PAM = `auth required pam_google_authenticator.so
account required pam_permit.so
session required pam_permit.so
`;

/** As Debian 13 has it with systemd: root's, and read by every `ssh`, which refuses it where it belongs to another user. */
const SSH_CONFIG_INCLUDED = `Host unix/* vsock/*
  ProxyCommand /usr/lib/systemd/systemd-ssh-proxy %h %p
  ProxyUseFdpass yes
`;

/** The lab's view of /etc, /run and homes: bind mounts that only the lab's own processes see. */
export interface Machine {
  readonly directory: string;
  /** The folder of the running node, for PATH. */
  readonly nodeFolder: string;
  /** The repository at a path that every user of the lab can read. */
  readonly repository: string;
  homeOf(user: string): string;
  /** The file with what to mount in a namespace, in the format of fstab(5): the lab's own users, sudoers, hosts, resolver and /run. */
  mountTableOf(namespace: string): string;
}

/** Lays the files out below an empty directory of the lab. */
export async function layOutMachine(directory: string, namespaces: readonly string[]): Promise<Machine> {
  const etc = join(directory, 'etc');
  const homeOf = (user: string) => join(directory, 'home', user);
  const repository = join(directory, 'repository');
  const empty = join(directory, 'empty');
  for (const folder of [etc, empty, repository, join(directory, 'home')]) {
    await mkdir(folder, { recursive: true });
  }

  const users = [
    { name: 'root', id: 0, shell: '/bin/sh', hash: '*' },
    { ...ORDINARY_USER, shell: '/bin/sh', hash: '*' },
    { ...BASTION_USER, shell: '/bin/sh', hash: BASTION_PASSWORD_HASH },
  ];
  for (const user of users) {
    for (const folder of [homeOf(user.name), join(homeOf(user.name), '.ssh')]) {
      await mkdir(folder, { mode: 0o700 });
      await chown(folder, user.id, user.id);
    }
  }
  const sshdLine = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((line) => line.startsWith('sshd:'));
  const passwd = users.map(({ name, id, shell }) => `${name}:x:${id}:${id}:${name}:${homeOf(name)}:${shell}`);
  const nobody = 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin';
  const files: Record<string, readonly string[]> = {
    passwd: [...passwd, nobody, ...(sshdLine === undefined ? [] : [sshdLine])],
    group: [...users.map(({ name, id }) => `${name}:x:${id}:`), 'nogroup:x:65534:'],
    shadow: users.map(({ name, hash }) => `${name}:${hash}:20000:0:99999:7:::`),
    hosts: [
      `127.0.0.1 localhost ${hostname()}`, // sudo looks the machine's own name up
      '::1 localhost',
      '198.51.100.1 bastion.lab',
      '10.77.0.2 db.lab',
      'fd77::2 db.lab',
    ],
    // Refused at once: nothing listens there.
    'resolv.conf': ['nameserver 127.0.0.1'],
    'nsswitch.conf': ['passwd: files', 'group: files', 'shadow: files', 'hosts: files dns', 'sudoers: files'],
    sudoers: [
      'Defaults !syslog',
      'Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"',
      `${ORDINARY_USER.name} ALL=(ALL) NOPASSWD: ALL`,
      'root ALL=(ALL) ALL',
    ],
  };
  const modes: Record<string, number> = { sudoers: 0o440, shadow: 0o600 };
  for (const [name, lines] of Object.entries(files)) {
    await writeFile(join(etc, name), `${lines.join('\n')}\n`, { mode: modes[name] ?? 0o644 });
  }

  // The machine's own, for sudo; sshd asks for a one-time code where its configuration has UsePAM.
  await cp('/etc/pam.d', join(etc, 'pam.d'), { recursive: true });
  await writeFile(join(etc, 'pam.d', 'sshd'), SSHD_PAM);
  await mkdir(join(etc, 'ssh', 'ssh_config.d'), { recursive: true });
  await writeFile(join(etc, 'ssh', 'ssh_config.d', '20-systemd-ssh-proxy.conf'), SSH_CONFIG_INCLUDED);

  const mountTableOf = (namespace: string) => join(directory, `fstab-${namespace}`);
  for (const name of namespaces) {
    const run = join(directory, `run-${name}`);
    await mkdir(join(run, 'sshd'), { recursive: true });
    const bound = [...Object.keys(files), 'pam.d', 'ssh/ssh_config.d'].filter((entry) =>
      existsSync(join('/etc', entry)),
    );
    const table = [
      [run, '/run', 'none', 'bind'],
      ...bound.map((entry) => [join(etc, entry), join('/etc', entry), 'none', 'bind']),
      ['overlay', repository, 'overlay', repositoryOptions(empty)],
    ];
    const lines = table.map((fields) => fields.map((field) => field.replaceAll(' ', '\\040')).join(' '));
    await writeFile(mountTableOf(name), `${lines.join('\n')}\n`);
  }
  return { directory, nodeFolder: dirname(process.execPath), repository, homeOf, mountTableOf };
}

/**
 * The mount options of an overlay that shows the repository, for everybody to read and nobody to write.
 *
 * A clone below `mktemp -d` is for its owner's eyes only, and a bind mount of it, too: an overlay's root has owner and mode of
 * its uppermost layer.
 *
 * @param empty an empty folder that everybody may read
 */
export function repositoryOptions(empty: string): string {
  return `ro,lowerdir=${empty}:${REPOSITORY}`;
}
