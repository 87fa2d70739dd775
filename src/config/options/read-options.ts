import type { Findings } from '../findings.ts';
import { withoutPassword } from '../parse/remote.ts';
import { type NamedFiles, VALUE_TYPES, type ValuePlace } from '../parse/value-types.ts';
import type { Locate } from './place.ts';
import type { OptionRow } from './row.ts';
import { nameOf, OPTION_KEYS, type OptionKey, type OptionValues, type RawOptions, rowOf } from './table.ts';

/** What is asked for as text, and where that is told which is wrong. */
export interface ReadContext {
  readonly raw: RawOptions;
  readonly findings: Findings;
  readonly locate: Locate;
}

/** Reads the values of options within their bounds. Where something is found to be wrong, they mean nothing. */
export function readOptions<K extends OptionKey>(
  keys: readonly K[],
  context: ReadContext,
  files: NamedFiles,
): Pick<OptionValues, K> {
  const reader = new OptionReader(context, files, keys);
  // Each as its row says, which the types are made from, too.
  return Object.fromEntries(keys.map((key) => [key, reader.read(key)])) as Pick<OptionValues, K>;
}

class OptionReader {
  readonly #context: ReadContext;
  readonly #files: NamedFiles;
  /** Standard input is wanted more than once. */
  readonly #isInputTaken: boolean;

  constructor(context: ReadContext, files: NamedFiles, keys: readonly OptionKey[]) {
    this.#context = context;
    this.#files = files;
    const inputs = keys.filter((key) => 'mayBeInput' in rowOf(key)).flatMap((key) => context.raw[key]);
    this.#isInputTaken = inputs.filter((value) => value === '-').length > 1;
    if (!this.#isInputTaken) return;
    const what = 'is given as a file more than once, but standard input can be read only once';
    context.findings.wrong('-', what);
  }

  read(key: OptionKey): unknown {
    const row = rowOf(key);
    const raw = this.#context.raw[key];
    if (raw !== undefined && row.needs !== undefined && !this.#isGiven(row.needs)) {
      this.#context.findings.wrong(this.#context.locate(key), `has no effect without ${row.needs}`);
      return undefined;
    }
    switch (typeof raw) {
      case 'object':
        return raw.flatMap((text) => this.#readText(key, row, text) ?? []);
      case 'string':
        return this.#readText(key, row, raw) ?? this.#otherwise(key, row);
      default:
        return raw ?? this.#otherwise(key, row);
    }
  }

  #isGiven(name: string): boolean {
    const key = OPTION_KEYS.find((other) => nameOf(other) === name);
    return key !== undefined && this.#context.raw[key] !== undefined;
  }

  #otherwise(key: OptionKey, row: OptionRow): unknown {
    if (!('otherwise' in row)) return undefined;
    return typeof row.otherwise === 'string' ? this.#readText(key, row, row.otherwise) : row.otherwise;
  }

  #readText(key: OptionKey, row: OptionRow, text: string): unknown {
    const place = this.#locate(key, row, text);
    switch (row.kind) {
      case 'choice':
        return (
          row.choices.find((choice) => choice === text) ??
          place.wrong(`is not one of ${row.choices.join(', ')}`)
        );
      case 'number':
        return readNumber(text, row, place);
      case 'flag':
      case 'count':
        return undefined;
      default: {
        const isLeftOut = this.#isInputTaken && row.mayBeInput === true && text === '-';
        return isLeftOut ? undefined : VALUE_TYPES[row.type](text, place);
      }
    }
  }

  #locate(key: OptionKey, row: OptionRow, text: string): ValuePlace {
    const { findings, locate } = this.#context;
    // A user who forgot the host has written `user:secret`.
    const isBastion = 'type' in row && row.type === 'bastion';
    const where = locate(key, isBastion ? withoutPassword(text, 'even without a host') : text);
    return {
      ...this.#files,
      where,
      wrong: (what) => void findings.wrong(where, what),
      wrongItem: (item, what) => void findings.wrong(locate(key, item), what),
      badFile: (what, place = where) => void findings.badFile(place, what),
      warn: (what) => findings.warn(where, what),
    };
  }
}

function readNumber(
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
  { wrong }: ValuePlace,
): number | undefined {
  const isShort = text.length <= String(most).length;
  const value = isShort && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : wrong(`is not a number from ${least} to ${most}`);
}
