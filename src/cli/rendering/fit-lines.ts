import { widthOf } from './table.ts';
import { wrap } from './wrap.ts';

/** How wide a stream is; undefined where it is no terminal, or one that does not say so: nothing is broken there. */
export function columnsOf(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>): number | undefined {
  return stream.isTTY === true ? stream.columns || undefined : undefined;
}

/** Prints on standard output what {@link fitLines} makes of it there. */
export function printFitted(print: (text: string) => void): (text: string) => void {
  return (text) => print(fitLines(text, columnsOf(process.stdout)));
}

/**
 * Lines for people: one that a terminal would cut in the middle of a word is broken between words, and its remedy, behind `->`, stands
 * below it, to be copied.
 *
 * @param columns undefined where nothing is to be broken
 */
export function fitLines(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns ? [line] : broken(line, columns)))
    .join('\n');
}

function broken(line: string, columns: number): readonly string[] {
  const indent = ' '.repeat(line.length - line.trimStart().length);
  const below = `${indent}    `;
  if (line.startsWith('-> ', indent.length)) return wrap(line, columns, `${indent}   `);
  const arrow = line.indexOf(' -> ');
  if (arrow < 0) return wrap(line, columns, below);
  return [
    ...wrap(line.slice(0, arrow), columns, below),
    ...wrap(`${below}${line.slice(arrow + 1)}`, columns, `${below}   `),
  ];
}
