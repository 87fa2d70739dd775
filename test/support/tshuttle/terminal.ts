import type { Lab } from '../lab/lab.ts';
import type { NamespaceCommandOptions } from '../lab/namespace.ts';
import type { Child } from '../process/child.ts';
import { type TshuttleOptions, tshuttleArgv } from './tshuttle.ts';

/** Starts tshuttle in the client on a terminal of its own: what is written to the child is typed, its output is the screen. */
export function startOnTerminal(lab: Lab, args: readonly string[], options: TshuttleOptions = {}): Child {
  return startCommandOnTerminal(lab, tshuttleArgv(lab, args, options), options);
}

/** The same for a command of its own words, none of which needs quotes. */
export function startCommandOnTerminal(
  lab: Lab,
  argv: readonly string[],
  options: NamespaceCommandOptions = {},
): Child {
  return lab.client.spawn(['script', '-qec', argv.join(' '), '/dev/null'], { ...options, interactive: true });
}
