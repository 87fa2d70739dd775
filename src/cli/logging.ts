import pino from 'pino';
import type { LogFormat } from '../config/config.ts';
import { TshuttleError } from '../core/errors.ts';
import type { LogFields, Logger } from '../core/log.ts';
import { failuresIn } from './exit-code.ts';
import { type LineSink, makeReadable } from './log-output.ts';

/** By the number of `-v`: warnings; the ending of every connection; everything. */
const LEVELS = ['warn', 'info', 'debug'] as const;

/** Nobody may log secrets; should it happen, fields of these names are masked. */
const SECRET_FIELDS = ['password', 'passphrase', 'secret', 'privateKey'];

/** A logger for each kind of line. */
export interface Loggers {
  readonly logger: Logger;
  /** For the few lines that a daemon's log has without any `-v`: up, and over. */
  readonly milestones: Logger;
}

/** Binds {@link Logger} to pino. Every line names the tunnel, if there is one to name. */
export function createLoggers(verbosity: number, sink: LineSink, tunnel?: string): Loggers {
  const root = pino(
    {
      level: LEVELS[Math.min(verbosity, LEVELS.length - 1)]!,
      base: { pid: process.pid, ...(tunnel === undefined ? {} : { tunnel }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '***' },
    },
    sink,
  );
  return { logger: bind(root), milestones: bind(root.child({}, { level: 'info' })) };
}

/** Puts the wanted format before a sink: text on a terminal and JSON elsewhere, unless the user has chosen. */
export function sinkFor(
  format: LogFormat,
  sink: LineSink,
  place: { readonly onTerminal: boolean },
): LineSink {
  const readable = format === 'text' || (format === 'auto' && place.onTerminal);
  return readable ? makeReadable(sink, { colour: place.onTerminal }) : sink;
}

/** Logs what was thrown: an expected failure with its code, a bug with its stack. */
export function logFailure(logger: Logger, thrown: unknown): void {
  for (const failure of failuresIn(thrown)) {
    if (failure instanceof TshuttleError) {
      logger.error(failure.message, { code: failure.code, remedy: failure.remedy });
    } else {
      logger.error('internal error', { err: failure });
    }
  }
}

function bind(target: pino.Logger): Logger {
  return {
    debug: (message: string, fields: LogFields = {}) => target.debug(fields, message),
    info: (message: string, fields: LogFields = {}) => target.info(fields, message),
    warn: (message: string, fields: LogFields = {}) => target.warn(fields, message),
    error: (message: string, fields: LogFields = {}) => target.error(fields, message),
  };
}
