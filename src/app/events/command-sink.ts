import { printableLine } from '../../core/printable.ts';
import { runShortProgram } from './bounded-run.ts';
import type { EventSink, TunnelEvent } from './tunnel-event.ts';

/** A bastion that comes and goes every second has a command started so often, and no more. */
const INTERVAL_MS = 5_000;

/**
 * A command of the user's. What has happened is in its environment and nowhere else: a bastion's words in a command line would be
 * the shell's to run.
 */
export function commandSink(command: string, onOutput: (output: string) => void): EventSink {
  return {
    name: '--on-event',
    intervalMs: INTERVAL_MS,
    isBestEffort: false,
    // Without the command, which may have a token in it: logs and reports are shown to others.
    remedy: 'try your command by hand: tshuttle help events says what it gets',
    takes: () => true,
    deliver: async (event, bounds) => {
      const output = await runShortProgram({ command, environment: eventEnvironment(event) }, bounds);
      if (output !== '') onOutput(output);
    },
  };
}

/** What a command is told by. All of it is printable, and one line each. */
export function eventEnvironment(event: TunnelEvent): Readonly<Record<string, string>> {
  const facts = {
    TSHUTTLE_EVENT: event.kind,
    TSHUTTLE_NAME: event.name,
    TSHUTTLE_BASTION: event.bastion,
    TSHUTTLE_MESSAGE: event.message,
    TSHUTTLE_REMEDY: event.remedy ?? '',
    TSHUTTLE_SINCE: new Date(event.sinceMs).toISOString(),
  };
  return Object.fromEntries(Object.entries(facts).map(([name, text]) => [name, printableLine(text)]));
}
