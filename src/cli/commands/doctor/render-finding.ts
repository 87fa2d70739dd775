import pc from 'picocolors';
import type { Look } from '../../rendering/terminal.ts';
import { wrap } from '../../rendering/wrap.ts';
import type { Finding } from './finding.ts';

/** The mark of a status: a word beside the colour, for terminals and users without colours. */
const MARKS: Readonly<
  Record<Finding['status'], { readonly word: string; readonly colour: 'green' | 'yellow' | 'red' }>
> = {
  ok: { word: 'ok     ', colour: 'green' },
  note: { word: 'note   ', colour: 'yellow' },
  untried: { word: 'UNTRIED', colour: 'yellow' },
  problem: { word: 'PROBLEM', colour: 'red' },
};

/** A finding as lines, the remedy below it. @param look undefined columns break nothing */
export function renderFinding(
  { check, status, what, remedy }: Finding,
  { columns = Number.POSITIVE_INFINITY, hasColour }: Pick<Look, 'columns' | 'hasColour'>,
): string {
  const { word, colour } = MARKS[status];
  const mark = pc.createColors(hasColour)[colour](word);
  const indent = ' '.repeat(word.length + 2);
  const room = Math.max(20, columns - indent.length);
  const [first = '', ...more] = wrap(`${check}: ${what}`, room);
  const lines = [`${mark}  ${first}`, ...more.map((line) => `${indent}${line}`)];
  const help = remedy === null ? [] : wrap(`-> ${remedy}`, room, '   ');
  return [...lines, ...help.map((line) => `${indent}${line}`), ''].join('\n');
}
