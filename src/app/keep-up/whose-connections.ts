import type { TunnelReport } from '../../daemon/control/protocol.ts';

/** Whose connections a tunnel captures. */
export type Whose = Pick<TunnelReport, 'programs' | 'namespace'>;

/**
 * Whether two tunnels may capture connections of the same program, so that one of them wins. Those in different network namespaces never
 * do, nor do those for other users, other groups or other control groups.
 */
export function mayCompete(one: Whose, other: Whose): boolean {
  if ((one.namespace ?? null) !== (other.namespace ?? null)) return false;
  if (one.programs === null || other.programs === null) return true;
  const [ours, theirs] = [kindsOf(one.programs), kindsOf(other.programs)];
  // A program must match one of each kind that is given.
  return [...ours].every(([kind, names]) => {
    const others = theirs.get(kind);
    return others === undefined || names.some((name) => others.some((they) => mayBeSame(kind, name, they)));
  });
}

/** `user alice or bob, group staff`, by `user`, `group` and `control group` (`ProgramsOption.description`). */
function kindsOf(programs: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    programs.split(', ').map((part) => {
      const [, kind = '', names = ''] = /^(user|group|control group) (.*)$/.exec(part) ?? [];
      return [kind, names.split(' or ')];
    }),
  );
}

function mayBeSame(kind: string, one: string, other: string): boolean {
  // One control group may be in the other.
  if (kind === 'control group') return `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
  // Which number a name has is not looked up.
  return one === other || isNumber(one) !== isNumber(other);
}

function isNumber(name: string): boolean {
  return /^\d+$/.test(name);
}
