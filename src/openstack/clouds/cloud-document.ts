import { LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { Problem } from '../../core/problem.ts';

/** Keys and indexes that lead to a value. */
export type KeyPath = ReadonlyArray<string | number>;

/** A clouds.yaml, secure.yaml or clouds-public.yaml as data, which knows where each value stands. */
export interface CloudDocument {
  readonly path: string;
  /** Undefined when the file is empty or no YAML. */
  readonly value: unknown;
  /** All that keeps it from being YAML. Their texts hold nothing of the file, which may have secrets in it. */
  readonly problems: readonly Problem[];
  /** `FILE:LINE:COLUMN` of a value, or of the nearest around it that is there. */
  whereIs(keys: KeyPath): string;
}

/** More would be an attack: clouds.yaml repeats a few defaults by alias. */
const MAX_ALIASES = 1_000;

/** Parses YAML 1.1, as PyYAML and yaml.v2 do; JSON is a part of it. */
export function parseCloudDocument(path: string, text: string): CloudDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.1',
    lineCounter: lines,
    // A message with a piece of the file might show a secret.
    prettyErrors: false,
    // Of a key that stands twice the last one counts, as for the clients.
    uniqueKeys: false,
    logLevel: 'error',
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const problems = document.errors.map((error) => ({ where: at(error.pos[0]), what: describe(error) }));
  return {
    path,
    value:
      problems.length > 0
        ? undefined
        : toData(() => document.toJS({ maxAliasCount: MAX_ALIASES }), problems, path),
    problems,
    whereIs: (keys) => {
      for (let length = keys.length; length > 0; length -= 1) {
        const node: unknown = document.getIn(keys.slice(0, length), true);
        const start = startOf(node);
        if (start !== undefined) return at(start);
      }
      return path;
    },
  };
}

function toData(make: () => unknown, problems: Problem[], path: string): unknown {
  try {
    return make() ?? undefined;
  } catch {
    problems.push({ where: path, what: 'has more aliases than any configuration' });
    return undefined;
  }
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  return Array.isArray(node.range) ? (node.range[0] as number) : undefined;
}

/** The parser's words without what it quotes of the file. */
function describe({ code, message }: YAMLError): string {
  const [sentence = ''] = message.split('\n', 1);
  const words = sentence.replace(/:? ["'\\{[].*$/, '');
  return `is no YAML: ${words.charAt(0).toLowerCase()}${words.slice(1)} (${code})`;
}
