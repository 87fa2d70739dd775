import pc from 'picocolors';
import { hasColour } from './has-colour.ts';

/** What a stream of ours can show. */
export interface Look {
  /** Undefined where it is no terminal: nothing is wrapped or cut off. */
  readonly columns: number | undefined;
  readonly rows: number;
  readonly hasUnicode: boolean;
  readonly hasColour: boolean;
}

/** The parts of a stream that tell what it can show. */
type Shown = Pick<NodeJS.WriteStream, 'isTTY'> & Partial<Pick<NodeJS.WriteStream, 'columns' | 'rows'>>;

type Environment = Readonly<Record<string, string | undefined>>;

/** A terminal that does not say its size. */
const USUAL_SIZE = { columns: 80, rows: 24 };

/** What standard output can show. */
export function lookOf(environment: Environment, stream: Shown = process.stdout): Look {
  const isTerminal = stream.isTTY === true;
  return {
    // 0 by 0 is the size of one that nobody has told its size (a serial line, `docker run -t`).
    columns: isTerminal ? stream.columns || USUAL_SIZE.columns : undefined,
    rows: stream.rows || USUAL_SIZE.rows,
    hasUnicode: hasUnicode(environment),
    hasColour: hasColour(environment, isTerminal),
  };
}

/** Whether symbols can be shown: the console of Linux has few, whatever the locale. */
export function hasUnicode(environment: Environment, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'win32') return environment['WT_SESSION'] !== undefined;
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return environment['TERM'] !== 'linux' && /utf-?8/i.test(locale);
}

/** Colours where there are some; else text as it is. */
export type Colours = ReturnType<typeof pc.createColors>;

/** @param look whose colours */
export function coloursOf({ hasColour: isColoured }: Pick<Look, 'hasColour'>): Colours {
  return pc.createColors(isColoured);
}

/** How findings are printed: for programs, or for people as standard output can show them. */
export type Format = 'json' | Pick<Look, 'columns' | 'hasColour'>;

/** As {@link Format}. */
export function formatFor(isJsonAsked: boolean, environment: Environment): Format {
  return isJsonAsked ? 'json' : lookOf(environment);
}
