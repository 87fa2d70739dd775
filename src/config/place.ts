import { withoutPassword } from './remote.ts';

/**
 * Says where the user wrote an option, for the beginning of a message.
 *
 * @param option as the command line calls it: `-x`, `--to-ns`; `SUBNET` for what stands there without one
 * @param text its value; left out when it is the option that is missing
 */
export type PlaceOf = (option: string, text?: string) => string;

/** On a command line: the option and its value, as they were written; a password in it is masked. */
export function placeOnCommandLine(option: string, text?: string): string {
  if (text === undefined) return option;
  return withoutPassword(option === 'SUBNET' ? text : `${option} ${text}`);
}
