import { createRequire } from 'node:module';
import type pino from 'pino';
import type { prettyFactory } from 'pino-pretty';
import { withoutControls } from '../../core/printable.ts';

const require = createRequire(import.meta.url);

/** The most that waits for a reader that does not read, in bytes; what is more is dropped. */
const WAITING_LIMIT_BYTES = 1_048_576;

/** Where finished log lines go: one JSON object and a newline at a time. */
export interface LineSink {
  write(line: string): void;
}

/** Where the log goes; it can be moved while the program runs, which a daemon does when it leaves the terminal. */
export class LogOutput implements LineSink {
  #sink: LineSink;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  write(line: string): void {
    this.#sink.write(line);
  }

  /** Sends all later lines to another sink. */
  moveTo(sink: LineSink): void {
    this.#sink = sink;
  }
}

/** Standard error, written at once, so that nothing is lost at the end. A reader that went away is no failure. */
export function openStandardErrorSink(): LineSink {
  const open = (): ReturnType<typeof pino.destination> => {
    const { destination } = require('pino') as typeof pino;
    const opened = destination({ dest: 2, sync: true, maxLength: WAITING_LIMIT_BYTES });
    opened.on('error', () => {});
    return opened;
  };
  let stream: ReturnType<typeof open> | undefined;
  return {
    write: (line) => {
      stream ??= open();
      stream.write(line);
    },
  };
}

/** An escape of JSON: one that is kept, or a control character, which a terminal would obey when it is not escaped any more. */
const JSON_ESCAPE = /\\(?:(["\\/nt])|u00(?:[01][0-9a-f]|7f)|[bfr])/gi;

/** What people are told of a line, beside the sentence: how grave it is, when, and the stack of a bug. */
const FOR_PEOPLE: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'err']);

/**
 * Makes JSON lines readable before they go to another sink: a sentence with its remedy.
 *
 * @param options `isDetailed`: with the other fields behind it
 */
export function makeReadable(
  sink: LineSink,
  options: { readonly colour: boolean; readonly isDetailed?: boolean | undefined },
): LineSink {
  let render: ReturnType<typeof prettyFactory> | undefined;
  const load = (): ReturnType<typeof prettyFactory> => {
    const pretty = require('pino-pretty') as { readonly prettyFactory: typeof prettyFactory };
    return pretty.prettyFactory({
      colorize: options.colour,
      ignore: 'pid,hostname',
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss',
    });
  };
  return {
    write: (line) => {
      // With the first line: a tunnel that has nothing to say starts without it.
      render ??= load();
      const safe = line.replace(JSON_ESCAPE, (whole, kept?: string) => (kept === undefined ? '' : whole));
      sink.write(
        String(
          render(options.isDetailed === true ? withoutControls(safe) : forPeople(withoutControls(safe))),
        ),
      );
    },
  };
}

/** @returns the line as it is where it is no JSON */
function forPeople(line: string): string | Readonly<Record<string, unknown>> {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return line;
  }
  const { tunnel, msg, remedy, originator, end } = fields;
  const who = typeof tunnel === 'string' ? `${tunnel}: ` : '';
  // The ending of a flow says where it went; of one that was not let in there is only where it came from.
  const from = typeof originator === 'string' && end === undefined ? ` (from ${originator})` : '';
  const said = `${who}${String(msg)}${from}`;
  const kept = Object.entries(fields).filter(([key]) => FOR_PEOPLE.has(key));
  return { ...Object.fromEntries(kept), msg: typeof remedy === 'string' ? `${said} -> ${remedy}` : said };
}
