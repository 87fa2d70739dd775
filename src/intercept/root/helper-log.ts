import { type HelperLogLine, MAX_REASON_CHARACTERS } from '../protocol/protocol.ts';

/** Writes one event for the log of the user's side. */
export function log(level: HelperLogLine['level'], message: string): void {
  const line: HelperLogLine = { level, message: message.slice(0, MAX_REASON_CHARACTERS) };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
