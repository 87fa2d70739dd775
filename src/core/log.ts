/** Values that go with a log line. Never secrets: a logger prints all it is given. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What every part of tshuttle logs to; pino is bound to it in `cli/`, tests bind an array. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
