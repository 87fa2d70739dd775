import type { Key } from '../../../rendering/keys.ts';
import { isOrderKey, type OrderKey } from './order.ts';

/** What the user has chosen to see. */
export interface TopState {
  readonly panel: 'flows' | 'failures' | 'help';
  /** Whether keys go into the filter. */
  readonly isTyping: boolean;
  readonly filter: string;
  readonly order: OrderKey;
  readonly isGrouped: boolean;
  /** The tunnel that is shown; undefined: all. */
  readonly tunnel: string | undefined;
  /** The first line of the list that is shown, counted from 0. */
  readonly first: number;
  readonly isOver: boolean;
}

/** What the keys act on, as it was drawn last. */
export interface Shown {
  /** Names of the tunnels, in their order. */
  readonly tunnels: readonly string[];
  /** Lines of the list, and how many of them fit. */
  readonly lines: number;
  readonly room: number;
}

/** The first screen. */
export const FIRST_STATE: TopState = {
  panel: 'flows',
  isTyping: false,
  filter: '',
  order: 'r',
  isGrouped: false,
  tunnel: undefined,
  first: 0,
  isOver: false,
};

const MAX_FILTER_CHARACTERS = 100;

/** What is shown after a key. */
export function afterKey(state: TopState, key: Key, shown: Shown): TopState {
  if (key === 'ctrl-c' || key === 'ctrl-d') return { ...state, isOver: true };
  const first = scrolled(state.first, key, shown);
  if (first !== undefined) return { ...state, first };
  return state.isTyping ? afterTyped(state, key) : afterCommand(state, key, shown);
}

/** Where the list begins after a key that scrolls, never beyond its end; undefined for another key. */
function scrolled(first: number, key: Key, { lines, room }: Shown): number | undefined {
  const last = Math.max(0, lines - room);
  const moves: Readonly<Record<string, number>> = {
    up: -1,
    down: 1,
    'page-up': -Math.max(1, room),
    'page-down': Math.max(1, room),
    home: -lines,
    end: lines,
  };
  const by = Object.hasOwn(moves, key) ? moves[key] : undefined;
  return by === undefined ? undefined : Math.max(0, Math.min(last, Math.min(first, last) + by));
}

function afterTyped(state: TopState, key: Key): TopState {
  const changed = (filter: string): TopState => ({ ...state, filter, first: 0 });
  switch (key) {
    case 'enter':
      return { ...state, isTyping: false };
    case 'escape':
      return { ...changed(''), isTyping: false };
    case 'backspace':
      return changed([...state.filter].slice(0, -1).join(''));
    case 'ctrl-u':
      return changed('');
    case 'ctrl-w':
      return changed(state.filter.replace(/\S+\s*$/, ''));
    default: {
      const isCharacter = [...key].length === 1;
      return isCharacter && state.filter.length < MAX_FILTER_CHARACTERS ? changed(state.filter + key) : state;
    }
  }
}

function afterCommand(state: TopState, key: Key, shown: Shown): TopState {
  if (isOrderKey(key)) return { ...state, panel: 'flows', order: key, first: 0 };
  const toggled = (panel: 'failures' | 'help'): TopState => ({
    ...state,
    panel: state.panel === panel ? 'flows' : panel,
    first: 0,
  });
  switch (key) {
    case 'q':
      return { ...state, isOver: true };
    case '?':
    case 'h':
      return toggled('help');
    case 'f':
      return toggled('failures');
    case 'g':
      return { ...state, panel: 'flows', isGrouped: !state.isGrouped, first: 0 };
    case '/':
      return { ...state, panel: state.panel === 'help' ? 'flows' : state.panel, isTyping: true, first: 0 };
    case 'tab':
      return { ...state, tunnel: next(state.tunnel, shown.tunnels, 1), first: 0 };
    case 'back-tab':
      return { ...state, tunnel: next(state.tunnel, shown.tunnels, -1), first: 0 };
    case 'j':
      return afterKey(state, 'down', shown);
    case 'k':
      return afterKey(state, 'up', shown);
    case ' ':
      return afterKey(state, 'page-down', shown);
    case 'escape':
      return afterEscape(state);
    default:
      return state;
  }
}

/** Leaves what was entered last, one at a time. */
function afterEscape(state: TopState): TopState {
  if (state.panel !== 'flows') return { ...state, panel: 'flows', first: 0 };
  if (state.filter !== '') return { ...state, filter: '', first: 0 };
  return state.isGrouped ? { ...state, isGrouped: false, first: 0 } : state;
}

/** All, then each, then all again. */
function next(tunnel: string | undefined, tunnels: readonly string[], step: number): string | undefined {
  if (tunnels.length < 2) return undefined;
  const count = tunnels.length + 1;
  // One that has ended is where all are.
  const at = tunnel === undefined ? 0 : tunnels.indexOf(tunnel) + 1;
  return [undefined, ...tunnels][(at + step + count) % count];
}
