// The demo's wires. The client's namespace is that of this process; the others are named by a process in them.
import { spawnSync } from 'node:child_process';

export const CLIENT = '198.51.100.2';
export const BASTION = '198.51.100.1';
export const BASTION_INSIDE = '10.77.0.1';
export const DATABASE = '10.77.0.2';
export const BASTION_INSIDE_6 = 'fd77::1';
export const DATABASE_6 = 'fd77::2';

/**
 * Runs a command that must succeed, in the namespace of a process or, without one, in our own.
 *
 * @param {string} command words separated by single blanks
 * @param {number} [pid]
 * @returns {string} what it printed
 */
export function run(command, pid) {
  const words = command.split(' ');
  const argv = pid === undefined ? words : ['nsenter', `--net=/proc/${pid}/ns/net`, ...words];
  const result = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
  if (result.status === 0) return result.stdout.trim();
  throw new Error(`${command}: ${(result.error?.message ?? result.stderr).trim()}`);
}

/**
 * Joins client, bastion and database. Every machine has a route to every other: only the bastion's refusal to forward
 * packets keeps client and database apart.
 *
 * @param {{ bastion: number, database: number }} pids
 * @returns {{ hasIpv6: boolean }}
 */
export function wire({ bastion, database }) {
  run('ip link set lo up');
  run(`ip link add up0 type veth peer name outer0 netns ${bastion}`);
  run(`ip link add inner0 type veth peer name eth0 netns ${database}`, bastion);
  for (const pid of [bastion, database]) run('ip link set lo up', pid);
  const ends = [
    [undefined, 'up0', CLIENT],
    [bastion, 'outer0', BASTION],
    [bastion, 'inner0', BASTION_INSIDE],
    [database, 'eth0', DATABASE],
  ];
  for (const [pid, device, address] of ends) {
    run(`ip address add ${address}/24 dev ${device}`, pid);
    run(`ip link set ${device} up`, pid);
  }
  run(`ip route add default via ${BASTION}`);
  run(`ip route add default via ${BASTION_INSIDE}`, database);
  return { hasIpv6: addIpv6(bastion, database) };
}

/** IPv6 the same way, where this machine has it. */
function addIpv6(bastion, database) {
  try {
    run('ip address add 2001:db8:51::2/64 dev up0 nodad');
    run('ip address add 2001:db8:51::1/64 dev outer0 nodad', bastion);
    run(`ip address add ${BASTION_INSIDE_6}/64 dev inner0 nodad`, bastion);
    run(`ip address add ${DATABASE_6}/64 dev eth0 nodad`, database);
    run('ip -6 route add default via 2001:db8:51::1');
    run(`ip -6 route add default via ${BASTION_INSIDE_6}`, database);
    return true;
  } catch {
    return false;
  }
}
