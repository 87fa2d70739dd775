import type { Logger } from '../../../src/core/log.ts';

/** A logger that keeps `level message` lines. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly string[];
}

/** Makes a logger that keeps what it is told, with its fields as JSON. */
export function recordingLogger(): RecordingLogger {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields?: object): void => {
      lines.push(`${level} ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`);
    };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
