import type { Child } from './child.ts';
import type { Lab } from './lab.ts';
import { type TshuttleOptions, tshuttleArgv } from './tshuttle.ts';

/** Starts tshuttle in the client on a terminal of its own: what is written to the child is typed, its output is the screen. */
export function startOnTerminal(lab: Lab, args: readonly string[], options: TshuttleOptions = {}): Child {
  const command = tshuttleArgv(lab, args, options).join(' ');
  return lab.client.spawn(['script', '-qec', command, '/dev/null'], { ...options, interactive: true });
}
