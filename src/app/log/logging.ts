import { createRequire } from 'node:module';
import type pino from 'pino';
import type { Config } from '../../config/config.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { LogFields, Logger } from '../../core/log.ts';
import { withSourcePositions } from '../../core/source-positions.ts';
import { failuresIn } from '../exit-code.ts';
import { type LineSink, makeReadable } from './log-output.ts';

const require = createRequire(import.meta.url);

/** By the number of `-v`: warnings; the ending of every connection; everything. */
const LEVELS = ['warn', 'info', 'debug'] as const;

/** The verbosity of `-q`. */
export const ERRORS_ONLY = -1;

/** Nobody may log secrets; should it happen, fields of these names are masked. */
const SECRET_FIELDS = ['password', 'passphrase', 'secret', 'privateKey'];

/** A logger for each kind of line. */
export interface Loggers {
  readonly logger: Logger;
  /** For the few lines that a daemon's log has without any `-v`, but not with `-q`: up, and over. */
  readonly milestones: Logger;
}

/**
 * Binds {@link Logger} to pino, which is loaded with the first line: a tunnel that has nothing to say starts without it. Every line
 * names the tunnel, if there is one to name.
 */
export function createLoggers(verbosity: number, sink: LineSink, tunnel?: string): Loggers {
  let opened: pino.Logger | undefined;
  const open = (): pino.Logger => {
    opened ??= openPino(sink, tunnel);
    return opened;
  };
  const milestones = verbosity === ERRORS_ONLY ? ERRORS_ONLY : LEVELS.indexOf('info');
  return { logger: bind(open, verbosity), milestones: bind(open, milestones) };
}

/** Puts the wanted format before a sink: text on a terminal and JSON elsewhere, unless the user has chosen. */
export function sinkFor(
  format: Config['logFormat'],
  sink: LineSink,
  place: {
    readonly onTerminal: boolean;
    /** Of text. */
    readonly hasColour?: boolean;
    /** Whether text has all that JSON has, too. */
    readonly isDetailed?: boolean;
  },
): LineSink {
  const readable = format === 'text' || (format === 'auto' && place.onTerminal);
  return readable
    ? makeReadable(sink, { colour: place.hasColour === true, isDetailed: place.isDetailed })
    : sink;
}

/** Logs what was thrown: an expected failure with its code, a bug with its stack. */
export function logFailure(logger: Logger, thrown: unknown): void {
  for (const failure of failuresIn(thrown)) {
    if (failure instanceof TshuttleError) {
      logger.error(failure.message, { code: failure.code, remedy: failure.remedy });
    } else {
      if (failure instanceof Error) failure.stack = withSourcePositions(failure.stack ?? '');
      logger.error('internal error', { err: failure });
    }
  }
}

function openPino(sink: LineSink, tunnel: string | undefined): pino.Logger {
  const load = require('pino') as typeof pino;
  return load(
    {
      level: LEVELS.at(-1)!,
      base: { pid: process.pid, ...(tunnel === undefined ? {} : { tunnel }) },
      timestamp: load.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '***' },
    },
    sink,
  );
}

/** @param verbosity index in {@link LEVELS} of the least important lines that are written; higher numbers write all */
function bind(open: () => pino.Logger, verbosity: number): Logger {
  const writes = (level: (typeof LEVELS)[number]): boolean => LEVELS.indexOf(level) <= verbosity;
  return {
    debug: (message: string, fields: LogFields = {}) => {
      if (writes('debug')) open().debug(fields, message);
    },
    info: (message: string, fields: LogFields = {}) => {
      if (writes('info')) open().info(fields, message);
    },
    warn: (message: string, fields: LogFields = {}) => {
      if (writes('warn')) open().warn(fields, message);
    },
    error: (message: string, fields: LogFields = {}) => open().error(fields, message),
  };
}
