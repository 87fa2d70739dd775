import pc from 'picocolors';
import { wrap } from '../../help/wrap.ts';
import type { Finding } from './finding.ts';

const COLUMNS = 100;

/** The mark of a status: a word beside the colour, for terminals and users without colours. */
const MARKS: Readonly<
  Record<Finding['status'], { readonly word: string; readonly colour: 'green' | 'yellow' | 'red' }>
> = {
  ok: { word: 'ok     ', colour: 'green' },
  note: { word: 'note   ', colour: 'yellow' },
  untried: { word: 'UNTRIED', colour: 'yellow' },
  problem: { word: 'PROBLEM', colour: 'red' },
};

/** A finding as lines for the terminal, the remedy below it. */
export function renderFinding({ check, status, what, remedy }: Finding, withColour: boolean): string {
  const { word, colour } = MARKS[status];
  const mark = pc.createColors(withColour)[colour](word);
  const indent = ' '.repeat(word.length + 2);
  const [first = '', ...more] = wrap(`${check}: ${what}`, COLUMNS - indent.length);
  const lines = [`${mark}  ${first}`, ...more.map((line) => `${indent}${line}`)];
  const help = remedy === null ? [] : wrap(`-> ${remedy}`, COLUMNS - indent.length, '   ');
  return [...lines, ...help.map((line) => `${indent}${line}`), ''].join('\n');
}
