import { MAX_NAME_CHARACTERS } from '../../../net/address/zone.ts';
import { GrammarError, readText } from '../../../net/messages/field-reader.ts';
import { isZoneName } from '../../rules/resolver-files.ts';

/** Takes `value` as the name of a zone, which cannot be a path. */
export function readZoneName(value: unknown, where: string): string {
  const name = readText(value, where, MAX_NAME_CHARACTERS);
  if (!isZoneName(name)) throw new GrammarError(`${where} is not the name of a zone`);
  return name;
}
