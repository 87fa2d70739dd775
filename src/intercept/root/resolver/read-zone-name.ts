import { GrammarError, readText } from '../../../net/messages/field-reader.ts';
import { isZoneName } from '../../rules/resolver-files.ts';

/** The longest name as text (RFC 1035). */
const MAX_NAME_CHARACTERS = 253;

/** Takes `value` as the name of a zone, which cannot be a path. */
export function readZoneName(value: unknown, where: string): string {
  const name = readText(value, where, MAX_NAME_CHARACTERS);
  if (!isZoneName(name)) throw new GrammarError(`${where} is not the name of a zone`);
  return name;
}
