import { mustRun } from './child.ts';

/**
 * The processes below each child of a process, the child first. For an sshd: one list a connection, in the order in which
 * they came. Since OpenSSH 9.8 a connection is an sshd-session with a child of its own also where root logs in, and lasts
 * until both have ended.
 */
export async function familiesOf(pid: number): Promise<readonly (readonly number[])[]> {
  const table = await mustRun(['ps', '-eo', 'pid=,ppid=', '--sort=start_time,pid']);
  const pairs = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const childrenOf = (parent: number): number[] =>
    pairs.flatMap(([child = 0, itsParent]) => (itsParent === parent ? [child] : []));
  const family = (head: number): number[] => [head, ...childrenOf(head).flatMap(family)];
  return childrenOf(pid).map(family);
}
