import { cutOff } from '../../../rendering/display-width.ts';
import { wrap } from '../../../rendering/wrap.ts';
import { ORDERS } from '../view/order.ts';
import type { ScreenStyle } from './style.ts';

/** What the keys do, and what is to be known of the columns. */
export function helpList(style: ScreenStyle, hasPrograms: boolean): readonly string[] {
  const keys: ReadonlyArray<readonly [string, string]> = [
    [Object.keys(ORDERS).join(' '), `sort by ${Object.values(ORDERS).join(', ')}`],
    ['/', 'filter: by destination, address, program, pid or tunnel; Enter keeps it, Esc clears it'],
    ['g', 'one line for each destination'],
    ['f', 'failures: connections that were not carried, by cause and destination'],
    ['Tab', 'the next of several tunnels, or all; Shift-Tab the one before'],
    ['arrows, j k', 'scroll; PgUp, PgDn, Home and End, too'],
    ['Esc', 'leave what was entered last: help, failures, filter, grouping'],
    ['q', 'quit; Ctrl-Z suspends'],
  ];
  const width = Math.max(...keys.map(([key]) => key.length)) + 2;
  const indent = ' '.repeat(width);
  const lines = keys.flatMap(([key, text]) =>
    wrap(text, Math.max(20, style.columns - width)).map(
      (line, index) => (index === 0 ? key.padEnd(width) : indent) + line,
    ),
  );
  const notes = (hasPrograms ? [...PROGRAM_NOTES, ...NOTES] : [...WITHOUT_PROGRAMS, ...NOTES]).flatMap(
    (note) => ['', ...wrap(note, style.columns)],
  );
  return [...lines, ...notes].map((line) => cutOff(line, style.columns));
}

const PROGRAM_NOTES = [
  'PROGRAM has the connection open on this machine: one of yours, or for root of anybody. An address is another machine or a ' +
    'container, "of user" a program of somebody else; "-" has closed it, or nobody may look into it.',
];

const WITHOUT_PROGRAMS = [
  'The program behind a connection is shown on Linux alone: elsewhere only lsof tells, which takes longer than a look may.',
];

const NOTES = [
  'UP is what this machine has sent, DOWN what it has received. OPENING is how long the bastion took to open the connection; ' +
    'HELD ones wait for the bastion. A wider terminal has more columns.',
];
