import { isIP } from 'node:net';
import type { Endpoint } from '../address/endpoint.ts';
import { familyOf, type IpFamily } from '../address/literal.ts';

/** The other side said something that is not in the grammar. The message never quotes what was said. */
export class GrammarError extends Error {
  override readonly name = 'GrammarError';
}

/** The fields of one JSON object of which none may be unknown. */
export type Fields = Readonly<Record<string, unknown>>;

/** Takes a line as JSON. */
export function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new GrammarError('a line is not JSON');
  }
}

/** One field of what may not be an object: the one that says which keys it must have. */
export function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Fields)[key] : undefined;
}

/** Takes `value` as an object that has exactly these keys. */
export function readObject(value: unknown, where: string, keys: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new GrammarError(`${where} is not an object`);
  }
  const found = Object.keys(value);
  if (found.length !== keys.length || !keys.every((key) => Object.hasOwn(value, key))) {
    throw new GrammarError(`${where} does not have exactly ${keys.join(', ')}`);
  }
  return value as Fields;
}

/** Takes `value` as a list of at most `maxLength` items. */
export function readList<T>(
  value: unknown,
  where: string,
  maxLength: number,
  readItem: (item: unknown, where: string) => T,
): T[] {
  if (!Array.isArray(value)) throw new GrammarError(`${where} is not a list`);
  if (value.length > maxLength) throw new GrammarError(`${where} has more than ${maxLength} items`);
  return value.map((item, index) => readItem(item, `${where}[${index}]`));
}

/** Takes `value` as a whole number from `min` to `max`. */
export function readInteger(value: unknown, where: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new GrammarError(`${where} is not a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Takes `value` as one of the words. */
export function readWord<Word extends string>(value: unknown, where: string, words: readonly Word[]): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw new GrammarError(`${where} is not one of ${words.join(', ')}`);
  return word;
}

/** Takes `value` as text of at most `maxLength` characters. */
export function readText(value: unknown, where: string, maxLength: number): string {
  if (typeof value !== 'string' || value.length > maxLength) {
    throw new GrammarError(`${where} is not text of at most ${maxLength} characters`);
  }
  return value;
}

/** Takes `value` as a port. */
export function readPort(value: unknown, where: string): number {
  return readInteger(value, where, 1, 65_535);
}

function readFamily(value: unknown, where: string): IpFamily {
  if (value !== 4 && value !== 6) throw new GrammarError(`${where} is not 4 or 6`);
  return value;
}

/** Takes `value` as one or both families, none twice. */
export function readFamilies(value: unknown, where: string): IpFamily[] {
  const families = readList(value, where, 2, readFamily);
  if (families.length === 0 || new Set(families).size !== families.length) {
    throw new GrammarError(`${where} names no family, or one twice`);
  }
  return families;
}

/** Takes `value` as a literal address of the family. A zone (`%eth0`) is none: it is free text. */
export function readAddress(value: unknown, where: string, family: IpFamily): string {
  if (typeof value !== 'string' || isIP(value) !== family || value.includes('%')) {
    throw new GrammarError(`${where} is not an IPv${family} address`);
  }
  return value;
}

/** Takes `value` as a literal address of either family. */
export function readAnyAddress(value: unknown, where: string): string {
  return readAddress(value, where, typeof value === 'string' ? familyOf(value) : 4);
}

/** Takes `value` as an endpoint. */
export function readEndpoint(value: unknown, where: string): Endpoint {
  const fields = readObject(value, where, ['family', 'address', 'port']);
  const family = readFamily(fields['family'], `${where}.family`);
  return {
    family,
    address: readAddress(fields['address'], `${where}.address`, family),
    port: readPort(fields['port'], `${where}.port`),
  };
}
