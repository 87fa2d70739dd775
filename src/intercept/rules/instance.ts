/** Names the helper process that holds rules, so that another tshuttle can tell whether it still runs. */
export interface Instance {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot: tells a reused pid from the process that is meant. */
  readonly startedTicks: string;
  /** Inode of the pid namespace that `pid` counts in. */
  readonly pidNamespace: string;
}

/** Renders `PID-STARTED-NAMESPACE`; safe inside an nft chain name and an iptables comment. */
export function formatInstance(instance: Instance): string {
  return `${instance.pid}-${instance.startedTicks}-${instance.pidNamespace}`;
}

/** Parses what {@link formatInstance} renders; undefined for anything else. */
export function parseInstance(text: string): Instance | undefined {
  const match = /^(\d{1,10})-(\d{1,20})-(\d{1,20})$/.exec(text);
  if (match === null) return undefined;
  const [, pid = '', startedTicks = '', pidNamespace = ''] = match;
  return { pid: Number(pid), startedTicks, pidNamespace };
}

/**
 * The start time in a /proc/PID/stat text, or undefined when it is unreadable or of a zombie: a zombie holds nothing.
 *
 * The command name stands in parentheses and may itself hold spaces and parentheses (proc(5)).
 */
export function startedTicksOf(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  return state === 'Z' || state === 'X' ? undefined : fields[19];
}
