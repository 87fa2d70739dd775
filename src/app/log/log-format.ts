import type { Config } from '../../config/config.ts';

/**
 * Whether every line on standard error is JSON, failures too: where that is asked for, and where `-v` makes a log of it that nobody
 * reads on a terminal.
 */
export function isAllJson(
  format: Config['logFormat'],
  verbosity: number,
  onTerminal: boolean = process.stderr.isTTY === true,
): boolean {
  return format === 'json' || (format === 'auto' && verbosity > 0 && !onTerminal);
}
