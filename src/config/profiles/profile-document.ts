import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { messageOf } from '../../core/errors.ts';
import type { Problem } from '../../core/problem.ts';
import { checkProfileFile, type WrittenFile } from './file-form.ts';
import type { Key } from './profile-form.ts';

/** The most that is read of one file, in characters. */
const LENGTH_LIMIT = 1_048_576;

/** What one file says, as far as its form is right. */
export type ProfileDocument =
  | (WrittenFile & {
      readonly kind: 'document';
      /** Where something stands, as `file:line:column`; the nearest thing around what is not there. */
      locate(path: readonly Key[]): string;
    })
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/** Reads a file of profiles, and says all that is wrong with its form: each with line and column. */
export function parseProfileDocument(file: string, yaml: string): ProfileDocument {
  const problems = (...found: readonly Problem[]): ProfileDocument => ({ kind: 'problems', problems: found });
  if (yaml.length > LENGTH_LIMIT) return problems({ where: file, what: 'is longer than 1 MiB' });
  try {
    const lines = new LineCounter();
    const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false, strict: true });
    const at = (offset: number): string => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${line}:${col}`;
    };
    if (document.errors.length > 0) {
      return problems(...document.errors.map(({ pos, message }) => ({ where: at(pos[0]), what: message })));
    }
    const locate = (path: readonly Key[], part: 'key' | 'value' = 'value'): string =>
      at(offsetOf(document, path, part));
    const found: Problem[] = [];
    const written = checkProfileFile(document.toJS(), (path, part, what) => {
      found.push({ where: locate(path, part), what });
    });
    if (found.length === 0) return { kind: 'document', ...written, locate };
    return problems(...found.sort(byPlace));
  } catch (error) {
    // Aliases without end, or brackets without end.
    return problems({ where: file, what: `cannot be read as YAML: ${messageOf(error)}` });
  }
}

/** In the order in which people read the file. */
export function byPlace(a: Problem, b: Problem): number {
  const [lineA, columnA] = lineAndColumn(a);
  const [lineB, columnB] = lineAndColumn(b);
  return lineA - lineB || columnA - columnB;
}

function lineAndColumn({ where }: Problem): readonly [number, number] {
  const [, line, column] = /:(\d+):(\d+)(?: |$)/.exec(where) ?? [];
  return [Number(line ?? 0), Number(column ?? 0)];
}

function offsetOf(document: Document, path: readonly Key[], part: 'key' | 'value'): number {
  let node = document.contents as Node | null;
  let key: Node | null = null;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) return (key ?? node).range?.[0] ?? 0;
      key = pair.key as Node;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      key = null;
      node = (node.items[Number(step)] ?? node) as Node;
    } else break;
  }
  const shown = part === 'key' ? (key ?? node) : (node ?? key);
  return shown?.range?.[0] ?? key?.range?.[0] ?? 0;
}
