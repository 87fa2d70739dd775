import { parseSubnet } from '../../config/parse/networks/subnet.ts';
import { withoutPassword } from '../../config/parse/remote.ts';
import { closestOf } from '../../config/profiles/closest.ts';
import type { Problem } from '../../core/problem.ts';
import { OTHER_NAMES, OTHER_NAMES_IN_GROUPS } from './command-words.ts';

/** What there is that words may mean. */
export interface KnownWords {
  /** The commands of help: `up`, `gate keys add`. */
  readonly commands: readonly string[];
  readonly profiles: readonly string[];
  /** Pages of `tshuttle help`. */
  readonly topics: readonly string[];
}

/** Words that begin no command and name no network. */
const WORD = /^[a-z][a-z0-9._]*(?:-[a-z0-9._]+)*$/i;

/** A command line longer than this is not repeated as a whole. */
const WORDS_SHOWN = 8;

/**
 * What somebody meant who has named no bastion, and whose first word is no command: the line to type instead.
 *
 * @param words what stands where commands and SUBNETs do
 * @returns undefined where the words may as well be networks
 */
export function meantByWords(words: readonly string[], known: KnownWords): Problem | undefined {
  const [first = '', second, ...others] = words;
  const rest = words.slice(1);
  const problem = (what: string): Problem => ({ where: withoutPassword(first), what });
  if (/^[^@\s/]+@[^@\s/]+$/.test(first))
    return problem(`is not a SUBNET; for a bastion write ${line('-r', ...words)}`);
  if (!WORD.test(first)) return undefined;
  if (known.profiles.includes(first)) {
    if (second !== undefined && known.commands.includes(second))
      return problem(`is a profile; write ${line(second, first, ...others)}`);
    const names = words.every((word) => known.profiles.includes(word)) ? words : [first];
    return problem(`is a profile; write ${line('up', ...names)}`);
  }
  const exact = exactly(first, known);
  if (exact !== undefined) return problem(`is not a command; write ${line(exact, ...rest)}`);
  const near = nearly(first, known);
  if (near === undefined) return undefined;
  return problem(`is not a command; perhaps ${line(near, ...rest)}`);
}

/** A command by another name of it. */
function exactly(word: string, { commands, topics }: KnownWords): string | undefined {
  const lower = word.toLowerCase();
  const other = OTHER_NAMES.get(lower);
  if (other !== undefined && (other.startsWith('-') || commands.includes(other))) return other;
  const spaced = lower.replaceAll(/[-_.]/g, ' ');
  if (commands.includes(spaced)) return spaced;
  // `init` is `bastion init` where no other group has one.
  const [within, ...more] = commands.filter((name) => name.endsWith(` ${lower}`));
  if (within !== undefined && more.length === 0) return within;
  const topic = topics.find((name) => name.toLowerCase() === lower);
  return topic === undefined ? undefined : `help ${topic}`;
}

function nearly(word: string, { commands, profiles, topics }: KnownWords): string | undefined {
  const lower = word.toLowerCase();
  const heads = [...new Set(commands.flatMap((name) => [name.split(' ', 1)[0]!, name.replaceAll(' ', '-')]))];
  const near = closestOf(lower, [...heads, ...profiles]) ?? closestOf(word, profiles);
  if (near === undefined) {
    const topic = closestOf(lower, topics);
    return topic === undefined ? undefined : `help ${topic}`;
  }
  if (heads.includes(near)) return commands.find((name) => name.replaceAll(' ', '-') === near) ?? near;
  return `up ${near}`;
}

/**
 * What somebody meant who has written a word behind `gate` or another group that is no command of it.
 *
 * @param group `gate`, `gate keys`
 * @param names the commands of the group
 * @param words what stands behind the group
 */
export function meantInGroup(group: string, names: readonly string[], words: readonly string[]): Problem {
  const [given, ...rest] = words;
  const list = names.join(', ');
  if (given === undefined) {
    const example = ['list', 'check', 'status', 'show'].find((name) => names.includes(name)) ?? names[0]!;
    return { where: group, what: `is followed by one of ${list}, as in ${line(group, example)}` };
  }
  const where = `${group} ${withoutPassword(given)}`;
  // Bastions are called bastion, and gates gate.
  if (!group.includes(' ') && /[./:]|^\d/.test(given) && parseSubnet(given).kind !== 'invalid')
    return {
      where,
      what: `is not a command; for a bastion of this name write ${line('-r', group, ...words)}`,
    };
  const others = OTHER_NAMES_IN_GROUPS.get(given.toLowerCase()) ?? [];
  const meant = others.find((name) => names.includes(name)) ?? closestOf(given.toLowerCase(), names);
  const what =
    meant === undefined ? `${group} is followed by one of ${list}` : `perhaps ${line(group, meant, ...rest)}`;
  return { where, what: `is not a command; ${what}` };
}

/** A command line as it is typed. */
export function line(...words: readonly string[]): string {
  const shown = words.flatMap((word) =>
    word.includes(' ') && /^[\w ]+$/.test(word) ? word.split(' ') : [word],
  );
  const more = shown.length > WORDS_SHOWN ? ' ...' : '';
  return `tshuttle ${shown.slice(0, WORDS_SHOWN).map(quoted).join(' ')}${more}`;
}

function quoted(word: string): string {
  const text = withoutPassword(word);
  return /^[\w@%+=:,./*[\]-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
