import { withoutPassword } from '../parse/remote.ts';
import { nameOf, type OptionKey } from './table.ts';

/**
 * Says where the user wrote an option, for the beginning of a message.
 *
 * @param text its value; left out when it is the option that is missing
 */
export type Locate = (key: OptionKey, text?: string) => string;

/** On a command line: the option and its value, as they were written; a password in it is masked. */
export function placeOnCommandLine(key: OptionKey, text?: string): string {
  if (text === undefined) return nameOf(key);
  return withoutPassword(key === 'subnets' ? text : `${nameOf(key)} ${text}`);
}
