import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES, type Lab } from '../lab/lab.ts';
import { mustRun } from '../process/child.ts';

/** Names that stand for something of README's reader's own, and what they are in the lab; a test may have more. */
export type Substitutes = ReadonlyArray<readonly [from: string, to: string]>;

/** Somebody who follows README on the lab's client, in a folder of their own. */
export interface Reader {
  readonly folder: string;
  /** Programs of the reader's, on PATH. */
  readonly bin: string;
  /** Commands of README, as typed there into a shell. */
  typed(commands: string, substitutes?: Substitutes): readonly string[];
}

/** What can be chosen about a reader. */
export interface ReaderOptions {
  /** A user of the lab's machine; root when left out. */
  readonly user?: string;
  /** Whom they log in as on the bastion; root when left out. */
  readonly login?: string;
  /** Whether their ssh configuration names the right key; true when left out. */
  readonly hasIdentity?: boolean;
}

/** Gives a user of the client tshuttle on PATH, and the bastions of README in ~/.ssh/config. */
export async function prepareReader(lab: Lab, options: ReaderOptions = {}): Promise<Reader> {
  const { user = 'root', login = 'root', hasIdentity = true } = options;
  const home = lab.machine.homeOf(user);
  const folder = join(home, 'reader');
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  // As `npm link` does.
  await symlink(join(lab.machine.repository, 'bin', 'tshuttle'), join(bin, 'tshuttle'));
  const key = user === 'root' ? lab.sshd.userKey : lab.sshd.ordinaryUserKey;
  const hosts = [
    `Host bastion bastion.example.com gate.example.com\n  HostName ${ADDRESSES.bastion4}\n`,
    // Reached from the gate, which is the same machine: by another address.
    `Host db-gate\n  HostName ${ADDRESSES.bastion6}\n`,
    `Host *\n  User ${login}\n  UserKnownHostsFile ${lab.sshd.knownHosts}\n`,
    ...(hasIdentity ? [`  IdentityFile ${key}\n`] : []),
  ];
  await writeFile(join(home, '.ssh', 'config'), hosts.join(''));
  await mustRun(['chown', '-R', `--reference=${home}`, folder, join(home, '.ssh', 'config')]);
  const own: Substitutes = ['me', 'ubuntu', 'app', 'ci'].map((name) => [`${name}@`, `${login}@`] as const);
  return {
    folder,
    bin,
    typed: (commands, substitutes = []) => {
      const text = [...own, ...substitutes].reduce((all, [from, to]) => all.replaceAll(from, to), commands);
      return ['bash', '-ec', `cd ${folder}; PATH="${bin}:$PATH"; ${text}`];
    },
  };
}
