import pino from 'pino';
import { prettyFactory } from 'pino-pretty';

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
  const stream = pino.destination({ dest: 2, sync: true, maxLength: WAITING_LIMIT_BYTES });
  stream.on('error', () => {});
  return { write: (line) => void stream.write(line) };
}

/** Makes JSON lines readable before they go to another sink. */
export function makeReadable(sink: LineSink, options: { readonly colour: boolean }): LineSink {
  const render = prettyFactory({
    colorize: options.colour,
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss',
  });
  return { write: (line) => sink.write(String(render(line))) };
}
