/** Programs whose connections and queries are captured: those for which all of it is so. Null: whichever. */
export interface ProgramMatch {
  /** The user that the program runs as. */
  readonly userId: number | null;
  /** The group that it runs as, not the others that its user is in. */
  readonly groupId: number | null;
  /** A control group that it is in, or one below that, by its path from the root of cgroup2, without a slash before it. */
  readonly cgroup: string | null;
}

/** What is chosen of each kind; nothing of a kind: whichever. */
export interface ProgramChoice {
  readonly userIds: readonly number[];
  readonly groupIds: readonly number[];
  readonly cgroups: readonly string[];
}

/** Each is a rule that a new connection may be compared with. */
export const MAX_PROGRAM_MATCHES = 64;

/** The highest number of a user or group: the one after it means none (chown(2)). */
export const MAX_ACCOUNT_ID = 2 ** 32 - 2;

/**
 * All combinations of what is chosen: a program has to be of one user, of one group and in one control group of those that are named.
 *
 * @returns null when nothing is chosen, so that everybody's connections are captured
 */
export function programMatches({
  userIds,
  groupIds,
  cgroups,
}: ProgramChoice): readonly ProgramMatch[] | null {
  if (userIds.length + groupIds.length + cgroups.length === 0) return null;
  const some = <T>(values: readonly T[]): ReadonlyArray<T | null> => (values.length === 0 ? [null] : values);
  return some(userIds).flatMap((userId) =>
    some(groupIds).flatMap((groupId) => some(cgroups).map((cgroup) => ({ userId, groupId, cgroup }))),
  );
}

/** xt_cgroup takes 511 bytes. */
const MAX_CGROUP_CHARACTERS = 480;

/** No space, quote, `$` or control character: it stands in texts of rules. Systemd escapes all else by backslashes (systemd.unit(5)). */
const CGROUP_NAME = /^(?!\.{1,2}$)[\w.:@\\~+=,-]{1,255}$/;

/** Whether a text is a path that {@link ProgramMatch.cgroup} may have: it leads nowhere but down. */
export function isCgroupPath(text: string): boolean {
  return (
    text.length <= MAX_CGROUP_CHARACTERS &&
    text.split('/').length <= MAX_CGROUP_LEVELS &&
    text.split('/').every((name) => CGROUP_NAME.test(name))
  );
}

/** The deepest of systemd's own are 8 below the root. */
const MAX_CGROUP_LEVELS = 32;
