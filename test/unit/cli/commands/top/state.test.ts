import { expect, test } from 'vitest';
import {
  afterKey,
  FIRST_STATE,
  type Shown,
  type TopState,
} from '../../../../../src/cli/commands/top/view/state.ts';

const SHOWN: Shown = { tunnels: ['office', 'lab'], lines: 100, room: 10 };

function after(keys: readonly string[], from: Partial<TopState> = {}, shown = SHOWN): Partial<TopState> {
  const state = keys.reduce((before, key) => afterKey(before, key, shown), { ...FIRST_STATE, ...from });
  const entries = Object.entries(state) as Array<[keyof TopState, unknown]>;
  return Object.fromEntries(entries.filter(([name, value]) => value !== FIRST_STATE[name]));
}

test.each<readonly [string, readonly string[], Partial<TopState>, Partial<TopState>]>([
  ['q ends it', ['q'], {}, { isOver: true }],
  ['Ctrl-C ends it, also while a filter is typed', ['/', 'ctrl-c'], {}, { isTyping: true, isOver: true }],
  ['Ctrl-D ends it', ['ctrl-d'], { panel: 'help' }, { panel: 'help', isOver: true }],
  ['q ends it in help, too', ['?', 'q'], {}, { panel: 'help', isOver: true }],
  ['a letter sorts, from the top', ['d'], { first: 7 }, { order: 'd' }],
  ['a letter sorts in what is grouped', ['g', 'n'], {}, { isGrouped: true, order: 'n' }],
  ['/ begins a filter', ['/', 'd', 'b', ' ', 'q'], { first: 7 }, { isTyping: true, filter: 'db q' }],
  ['Enter keeps it', ['/', 'q', 'enter', 'u'], {}, { filter: 'q', order: 'u' }],
  ['Esc clears it while it is typed', ['/', 'd', 'escape'], {}, {}],
  ['Esc clears it later', ['/', 'd', 'enter', 'escape'], {}, {}],
  ['backspace takes a character', ['/', 'd', '👍', 'backspace'], {}, { isTyping: true, filter: 'd' }],
  ['Ctrl-W takes a word', ['/', 'a', ' ', 'b', 'ctrl-w'], {}, { isTyping: true, filter: 'a ' }],
  ['Ctrl-U takes all', ['/', 'a', 'ctrl-u'], {}, { isTyping: true }],
  ['other keys are no text', ['/', 'tab', 'ctrl-z', 'back-tab'], {}, { isTyping: true }],
  ['g groups, and again not', ['g'], { first: 7 }, { isGrouped: true }],
  ['g twice', ['g', 'g'], {}, {}],
  ['f shows failures', ['f'], { first: 7 }, { panel: 'failures' }],
  ['f twice', ['f', 'f'], {}, {}],
  ['g leaves failures', ['f', 'g'], {}, { isGrouped: true }],
  ['failures are filtered', ['f', '/', 'x'], {}, { panel: 'failures', isTyping: true, filter: 'x' }],
  ['? shows help', ['?'], { first: 7 }, { panel: 'help' }],
  ['? twice', ['?', '?'], {}, {}],
  ['a letter leaves help', ['?', 't'], {}, { order: 't' }],
  ['and failures', ['f', 'a'], {}, { order: 'a' }],
  ['/ leaves help', ['?', '/'], {}, { isTyping: true }],
  [
    'Esc leaves one thing at a time',
    ['escape'],
    { panel: 'help', filter: 'x', isGrouped: true },
    { filter: 'x', isGrouped: true },
  ],
  ['then the filter', ['escape'], { filter: 'x', isGrouped: true }, { isGrouped: true }],
  ['then the groups, and then nothing', ['escape', 'escape'], { isGrouped: true }, {}],
  ['Tab shows one tunnel', ['tab'], { first: 7 }, { tunnel: 'office' }],
  ['and the next', ['tab', 'tab'], {}, { tunnel: 'lab' }],
  ['and all', ['tab', 'tab', 'tab'], {}, {}],
  ['Shift-Tab goes back', ['back-tab'], {}, { tunnel: 'lab' }],
  ['of one that has ended on to the first', ['tab'], { tunnel: 'gone' }, { tunnel: 'office' }],
  ['down', ['down', 'j'], {}, { first: 2 }],
  ['up, not beyond the beginning', ['down', 'up', 'k', 'up'], {}, {}],
  ['PgDn', ['page-down', ' '], {}, { first: 20 }],
  ['PgUp', ['end', 'page-up'], {}, { first: 80 }],
  ['End, not beyond it', ['end', 'down'], {}, { first: 90 }],
  ['Home', ['end', 'home'], {}, {}],
  ['scrolling while a filter is typed', ['/', 'x', 'down'], {}, { isTyping: true, filter: 'x', first: 1 }],
  ['of a list that has become shorter', ['up'], { first: 500 }, { first: 89 }],
  ['any other key changes nothing', ['x', 'ctrl-z', 'enter'], {}, {}],
])('%s', (_, keys, from, changed) => {
  expect(after(keys, from)).toEqual(changed);
});

test('a single tunnel is all there is, a short list does not scroll, and a filter has an end', () => {
  expect(after(['tab'], {}, { ...SHOWN, tunnels: ['office'] })).toEqual({});
  expect(after(['down', 'page-down', 'end'], {}, { ...SHOWN, lines: 3 })).toEqual({});
  expect(after(['/', ...'x'.repeat(500)]).filter).toHaveLength(100);
});
