import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
} from 'yaml';
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
  | {
      readonly kind: 'problems';
      readonly problems: readonly Problem[];
      /** The profiles of which none of the problems is, where the file could be read at all: for finding what else is wrong. */
      readonly rest?: SoundPart;
    };

/** The part of a file that has the right form. */
type SoundPart = Omit<Extract<ProfileDocument, { kind: 'document' }>, 'kind'>;

/** Whether a text says nothing: there is none, or comments alone. What is not YAML says something. */
export function saysNothing(yaml: string): boolean {
  const { contents, errors } = parseDocument(yaml);
  return contents === null && errors.length === 0;
}

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
    const [fatal] = document.errors.filter(({ code }) => code !== 'DUPLICATE_KEY');
    const found: Problem[] = document.errors.map(({ pos, code, message }) => ({
      where: at(pos[0]),
      what: code === 'DUPLICATE_KEY' ? `${keyAt(yaml, pos[0])} is there twice; only one can count` : message,
    }));
    if (fatal !== undefined) return problems(...found);
    const locate = (path: readonly Key[], part: 'key' | 'value' = 'value'): string =>
      at(offsetOf(document, path, part));
    const unsound = new Set<string>();
    const written = checkProfileFile(document.toJS(), (path, part, what) => {
      if (path[0] === 'profiles') unsound.add(String(path[1]));
      found.push({ where: locate(path, part), what });
    });
    if (found.length === 0) return { kind: 'document', ...written, locate };
    const profiles = new Map([...written.profiles].filter(([name]) => !unsound.has(name)));
    const rest = { profiles, gates: new Map(), targets: new Map(), locate };
    return { kind: 'problems', problems: found.sort(byPlace), rest };
  } catch (error) {
    // Aliases without end, or brackets without end.
    return problems({ where: file, what: `cannot be read as YAML: ${messageOf(error)}` });
  }
}

/** Profiles as a file has them, without comments. */
export function renderProfiles(profiles: ReadonlyArray<readonly [name: string, values: object]>): string {
  return stringify({ profiles: Object.fromEntries(profiles) }, { lineWidth: 0 });
}

/** The key that is written there, for people. */
function keyAt(yaml: string, offset: number): string {
  return /^["']?([^"':\n]{1,63})/.exec(yaml.slice(offset, offset + 64))?.[1]?.trim() ?? 'a key';
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
      // Of two the last is what the document says.
      const pair = node.items.findLast(
        (item) => isScalar(item.key) && String(item.key.value) === String(step),
      );
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
