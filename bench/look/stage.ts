import { appendFile, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ADDRESSES, type Lab } from '../../test/support/lab/lab.ts';
import { ORDINARY_USER } from '../../test/support/lab/machine.ts';
import { TmuxTerminal } from '../../test/support/lab/tmux-terminal.ts';

/** What a download through the bastion is held to, so that it lasts for some seconds. */
const LINK = 'rate 80mbit burst 256kb latency 50ms';

const USER = ORDINARY_USER.name;
const HOME = `/home/${USER}`;

/**
 * Makes the lab a network as README has it: a web server on 10.0.0.8 behind a bastion of that name, where a user has the
 * login `me`, in ~/.ssh/config.
 */
export async function setStage(lab: Lab): Promise<void> {
  await lab.destination.ip('addr add 10.0.0.8/24 dev eth0');
  await lab.bastion.ip('addr add 10.0.0.1/24 dev inner0');
  await lab.destination.must(`tc qdisc add dev eth0 root tbf ${LINK}`.split(' '));
  const server = lab.destination.spawn(['node', 'bench/demo/database.mjs'], { interactive: true });
  await server.untilOutput(/started/);
  server.write('serve\n');
  await server.untilOutput(/ready/);

  await appendFile(join(lab.directory, 'etc', 'passwd'), 'me:x:10079:10079:me:/:/bin/sh\n');
  await appendFile(join(lab.directory, 'etc', 'shadow'), 'me:*:20000:0:99999:7:::\n');
  const home = lab.machine.homeOf(USER);
  const config = join(home, '.ssh', 'config');
  const { ordinaryUserKey, knownHosts } = lab.sshd;
  const lines = [
    `HostName ${ADDRESSES.bastion4}`,
    `IdentityFile ${ordinaryUserKey}`,
    `UserKnownHostsFile ${knownHosts}`,
  ];
  await writeFile(config, `Host bastion\n${lines.map((line) => `  ${line}\n`).join('')}`);
  await mkdir(join(home, 'bin'));
  await symlink(join(lab.machine.repository, 'bin', 'tshuttle'), join(home, 'bin', 'tshuttle'));
  for (const path of [config, join(home, 'bin')]) await chown(path, ORDINARY_USER.id, ORDINARY_USER.id);
}

/** A terminal of that user's, whose home has a short name. */
export async function openTerminal(lab: Lab, name: string, rows: number): Promise<TmuxTerminal> {
  const shell = `mount --bind ${lab.directory}/home /home && cd ${HOME} && exec setpriv --reuid=${USER} --regid=${USER} --init-groups \
    env HOME=${HOME} USER=${USER} LOGNAME=${USER} PATH=${HOME}/bin:$PATH PS1='\\[\\e[36m\\]$\\[\\e[m\\] ' bash --norc --noprofile`;
  const terminal = await TmuxTerminal.open(lab, { name, rows, shell: ['sh', '-c', shell] });
  await terminal.shows(/^\$\s*$/);
  return terminal;
}
