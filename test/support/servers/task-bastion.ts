import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { mustRun } from '../process/child.ts';

/** The name that follows the bastion from address to address. */
export const TASK_NAME = 'bastion.eu-west-1.mydomain.test';

/** What the host key is filed under, whatever the address. */
export const TASK_ALIAS = 'bastion-of-the-task';

/** sshd in a container that a cloud starts, replaces, and gives another address each time; Alpine has no PAM there. */
const SSHD_CONFIG = [
  'PasswordAuthentication no',
  'PermitEmptyPasswords no',
  'Match User root',
  '  AllowTcpForwarding yes',
  '  X11Forwarding no',
  '  AllowAgentForwarding no',
  '  ForceCommand /bin/false',
];

/** A bastion that is a task of a cloud, with the record that its sidecar writes into the DNS. */
export interface TaskBastion {
  /** Has the host key under {@link TASK_ALIAS}, and nothing else. */
  readonly knownHosts: string;
  /** Ends the task. Its address goes with it; the record stays. */
  stop(): Promise<void>;
  /** Starts the task at an address of the bastion's outer network, in which it is the only one, and writes the record. */
  start(address: string): Promise<void>;
  /** A new image: with another host key from the next start on, of which {@link TaskBastion.knownHosts} does not know. */
  rebuild(): Promise<void>;
}

/** Puts the task in the place of the lab's sshd, not started yet; it ends with the lab. */
export async function defineTask(lab: Lab): Promise<TaskBastion> {
  await lab.sshd.stop();
  const at = (name: string): string => join(lab.directory, `task_${name}`);
  const makeHostKey = async (): Promise<void> => {
    await mustRun(['sh', '-c', `rm -f ${at('host_key')} ${at('host_key.pub')}`]);
    await mustRun(['ssh-keygen', '-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', at('host_key')]);
  };
  await makeHostKey();
  await writeFile(at('known_hosts'), `${TASK_ALIAS} ${await readFile(at('host_key.pub'), 'utf8')}`);
  const own = [
    `HostKey ${at('host_key')}`,
    `AuthorizedKeysFile ${join(lab.directory, 'authorized_keys')}`,
    'PidFile none',
    'StrictModes no',
    'MaxStartups 100',
  ];
  await writeFile(at('sshd_config'), `${[...own, ...SSHD_CONFIG].join('\n')}\n`);
  const hosts = join(lab.directory, 'etc', 'hosts');
  const otherHosts = await readFile(hosts, 'utf8');
  let current: string | undefined;
  return {
    knownHosts: at('known_hosts'),
    stop: async () => {
      for (const pid of await lab.bastion.pids()) process.kill(pid, 'SIGKILL');
      if (current !== undefined) await lab.bastion.ip(`addr del ${current}/24 dev outer0`);
      current = undefined;
    },
    start: async (address) => {
      await lab.bastion.ip('addr flush dev outer0 scope global');
      await lab.bastion.ip(`addr add ${address}/24 dev outer0`);
      current = address;
      const server = lab.bastion.spawn(['/usr/sbin/sshd', '-D', '-e', '-f', at('sshd_config')]);
      await server.untilOutput(/listening on/);
      // In place: the client has it mounted.
      await writeFile(hosts, `${otherHosts}${address} ${TASK_NAME}\n`);
    },
    rebuild: makeHostKey,
  };
}
