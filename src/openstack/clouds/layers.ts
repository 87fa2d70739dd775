import type { CloudDocument, KeyPath } from './cloud-document.ts';

/** Data of one source. A hyphen in a key is an underscore, as for openstacksdk. */
export interface Layer {
  readonly value: unknown;
  /** Where a value of it stands, for messages. */
  whereIs(keys: KeyPath): string;
}

/** A text and where it stands. */
export interface SourcedText {
  readonly text: string;
  readonly where: string;
}

/** The part of a document below these keys. */
export function layerAt(document: CloudDocument, keys: KeyPath): Layer {
  return {
    value: valueAt(document.value, keys),
    whereIs: (inner) => document.whereIs([...keys, ...inner]),
  };
}

/** The value that counts: that of the last layer that has one. */
export function lookUp(
  layers: readonly Layer[],
  keys: KeyPath,
): { readonly value: unknown; readonly where: string } | undefined {
  for (const layer of layers.toReversed()) {
    const value = settingAt(layer.value, keys);
    if (isSomething(value)) return { value, where: layer.whereIs(keys) };
  }
  return undefined;
}

/** {@link lookUp} for text; a number is text, too. */
export function lookUpText(layers: readonly Layer[], keys: KeyPath): SourcedText | undefined {
  const found = lookUp(layers, keys);
  if (found === undefined || typeof found.value === 'object') return undefined;
  return { text: String(found.value), where: found.where };
}

/** The keys of a mapping, in their order; none of what is no mapping. */
export function keysOf(value: unknown): readonly string[] {
  return isMapping(value) ? Object.keys(value) : [];
}

/** Whether it is a mapping of keys to values. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(value: unknown, keys: KeyPath): unknown {
  let inner = value;
  for (const key of keys) inner = memberOf(inner, key);
  return inner;
}

function settingAt(value: unknown, keys: KeyPath): unknown {
  let inner = value;
  for (const key of keys) {
    inner = memberOf(inner, key) ?? memberOf(inner, String(key).replaceAll('_', '-'));
  }
  return inner;
}

function memberOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return typeof key === 'number' ? value[key] : undefined;
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isSomething(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
