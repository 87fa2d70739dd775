import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES, type Lab } from '../lab/lab.ts';
import type { Namespace } from '../lab/namespace.ts';
import { mustRun } from '../process/child.ts';

/** Names that only the gate and the machines behind it resolve, as a cloud's DNS does for its tenants' machines. */
export const VM = '5f0c1f4e-8a53-4c0b-9a2e-0d7f6a1b2c33';
export const FAR_VM = 'c2b7d9aa-1d0e-4f6b-8f57-3f4e5a6b7c88';

const GATE_PORT = 2222;

/** An "SSH as a service": a gate, two machines behind it that are known by name only, and the ssh_config for them. */
export interface Gate {
  /**
   * Writes an ssh configuration.
   *
   * @param way how {@link VM} is reached through the host `gate`; {@link FAR_VM} is always behind {@link VM}
   */
  configure(way: 'ProxyCommand' | 'ProxyJump'): Promise<string>;
}

/** Starts the three servers in a lab; they end with it. */
export async function openGate(lab: Lab): Promise<Gate> {
  const at = (name: string): string => join(lab.directory, name);
  const hosts = [
    '127.0.0.1 localhost',
    `${ADDRESSES.destination4} ${VM}`,
    `${ADDRESSES.otherDestination4} ${FAR_VM}`,
  ];
  await writeFile(at('gate-hosts'), `${hosts.join('\n')}\n`);
  const servers = [
    {
      name: 'gate',
      knownAs: `[${ADDRESSES.bastion4}]:${GATE_PORT}`,
      namespace: lab.bastion,
      address: ADDRESSES.bastion4,
      port: GATE_PORT,
    },
    { name: 'vm', knownAs: VM, namespace: lab.destination, address: ADDRESSES.destination4, port: 22 },
    {
      name: 'far-vm',
      knownAs: FAR_VM,
      namespace: lab.destination,
      address: ADDRESSES.otherDestination4,
      port: 22,
    },
  ];
  for (const server of servers) await startServer(server.namespace, at, server);
  const knownHosts = await Promise.all(
    servers.map(
      async ({ name, knownAs }) => `${knownAs} ${await readFile(at(`${name}_host_key.pub`), 'utf8')}`,
    ),
  );
  await writeFile(at('gate_known_hosts'), knownHosts.join(''));
  const common = (name: string): string[] => [
    'User root',
    `IdentityFile ${at(`${name}_user_key`)}`,
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${at('gate_known_hosts')}`,
    'GlobalKnownHostsFile none',
    'StrictHostKeyChecking yes',
  ];
  return {
    configure: async (way) => {
      const file = at(`ssh_config_${way}`);
      const trust = `-o UserKnownHostsFile=${at('gate_known_hosts')} -o GlobalKnownHostsFile=none`;
      const identity = `-i ${at('gate_user_key')} -o IdentitiesOnly=yes`;
      const command = `ssh -F none ${identity} ${trust} -p ${GATE_PORT} -W %h:%p root@${ADDRESSES.bastion4}`;
      const lines = [
        'Host gate',
        `HostName ${ADDRESSES.bastion4}`,
        `Port ${GATE_PORT}`,
        ...common('gate'),
        `Host ${VM}`,
        way === 'ProxyJump' ? 'ProxyJump gate' : `ProxyCommand ${command}`,
        ...common('vm'),
        `Host ${FAR_VM}`,
        `ProxyJump ${VM}`,
        ...common('far-vm'),
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return file;
    },
  };
}

async function startServer(
  namespace: Namespace,
  at: (name: string) => string,
  { name, address, port }: { readonly name: string; readonly address: string; readonly port: number },
): Promise<void> {
  for (const key of [`${name}_host_key`, `${name}_user_key`]) {
    await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(key)]);
  }
  const config = [
    `Port ${port}`,
    `ListenAddress ${address}`,
    `HostKey ${at(`${name}_host_key`)}`,
    `AuthorizedKeysFile ${at(`${name}_user_key.pub`)}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'LogLevel VERBOSE',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // Each opens connections for 200 flows at once, and nothing else.
    'ForceCommand /bin/false',
    'PermitTTY no',
    'MaxStartups 100',
    ...(name === 'gate' ? ['PermitOpen *:22'] : []),
  ];
  await writeFile(at(`${name}_sshd_config`), `${config.join('\n')}\n`);
  const server = `exec /usr/sbin/sshd -D -e -f ${at(`${name}_sshd_config`)}`;
  const script = `mount --bind ${at('gate-hosts')} /etc/hosts && ${server}`;
  const child = namespace.spawn(['unshare', '--mount', 'sh', '-c', script]);
  await child.untilOutput(/listening on/);
}
