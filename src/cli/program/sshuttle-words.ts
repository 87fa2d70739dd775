import { OPTION_KEYS, rowOf } from '../../config/options/table.ts';
import type { Problem } from '../../core/problem.ts';
import { methodOfSshuttle } from '../../intercept/rules/redirect-methods.ts';
import { FOREIGN_FLAGS } from './foreign-options.ts';

/** Options of sshuttle's that change nothing here, and whether a value follows. */
const WITHOUT_EFFECT: ReadonlyMap<string, 'value' | 'no value'> = new Map([
  ['--python', 'value'],
  ['--remote-shell', 'value'],
  ['--no-cmd-delimiter', 'no value'],
  ['--no-sudo-pythonpath', 'no value'],
  ['--no-latency-control', 'no value'],
  ['--latency-buffer-size', 'value'],
  ['--wrap', 'value'],
]);

/** Prints what lets a tunnel start without a password: a command of its own here. */
const SUDOERS = '--sudoers-no-modify';
/** Whom {@link SUDOERS} is for. */
const SUDOERS_USER = '--sudoers-user';

/** The options of a tunnel as sshuttle would read them. */
export interface ReadWords {
  readonly words: readonly string[];
  /** Left out of them, with their values. */
  readonly ignored: readonly string[];
}

/** Which options there are: `value` stands for one that is followed by a value, always. */
const VALUES: ReadonlyMap<string, 'value' | 'no value'> = new Map([
  ...OPTION_KEYS.flatMap((key) => {
    const { kind, flags } = rowOf(key);
    const has = kind === 'flag' || kind === 'count' || kind === 'optional' ? 'no value' : 'value';
    return namesIn(flags).map((name) => [name, has] as const);
  }),
  ...WITHOUT_EFFECT,
  [SUDOERS, 'no value'],
  [SUDOERS_USER, 'value'],
]);

const LONG_NAMES = [...VALUES.keys(), ...FOREIGN_FLAGS, '--help', '--version'].filter((name) =>
  name.startsWith('--'),
);

/**
 * Reads the words of a tunnel as sshuttle does: the beginning of a long option's name stands for it where no other begins so,
 * `--method nat` has its name here, and what only sshuttle needs is left out together with its value. `--sudoers-no-modify` is the command
 * `sudoers`, whatever else is given.
 *
 * What it does not know stays as it is, for commander to refuse. Source: sshuttle's options.py, and `allow_abbrev` of argparse.
 */
export function readSshuttleWords(words: readonly string[]): ReadWords {
  const read: string[] = [];
  const ignored: string[] = [];
  let sudoersUser: string | undefined;
  let isSudoers = false;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    if (word === '--') return { words: [...read, ...words.slice(index)], ignored };
    const option = splitOption(word);
    if (option === undefined) {
      read.push(word);
      continue;
    }
    const { name, value: attached } = option;
    const takesNext = attached === undefined && VALUES.get(name) === 'value';
    if (takesNext) index += 1;
    const value = takesNext ? words[index] : attached;
    if (name === SUDOERS) {
      isSudoers = true;
      continue;
    }
    if (name === SUDOERS_USER) {
      sudoersUser = value;
      ignored.push(name);
      continue;
    }
    if (WITHOUT_EFFECT.has(name)) {
      ignored.push(name);
      continue;
    }
    const ours = value === undefined ? undefined : ourName(name, value);
    if (ours === undefined) read.push(option.isLong ? name : word);
    else if (takesNext) read.push(option.isLong ? name : word, ours);
    else read.push(option.isLong ? `${name}=${ours}` : word);
  }
  if (!isSudoers) return { words: read, ignored };
  return { words: ['sudoers', ...(sudoersUser === undefined ? [] : ['--user', sudoersUser])], ignored: [] };
}

/** Says what was left out, in one line. */
export function ignoredOptions(ignored: readonly string[]): readonly Problem[] {
  if (ignored.length === 0) return [];
  return [
    { where: [...new Set(ignored)].join(', '), what: 'without effect: what only sshuttle needs is ignored' },
  ];
}

function ourName(option: string, value: string): string {
  return (option === '--method' ? methodOfSshuttle(value) : undefined) ?? value;
}

/** The option that a word is, or with which a bundle of short ones ends. */
function splitOption(
  word: string,
): { readonly name: string; readonly value: string | undefined; readonly isLong: boolean } | undefined {
  if (!/^-[^-]|^--[^=]/.test(word)) return undefined;
  if (word.startsWith('--')) {
    const [, name = word, value] = /^([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    return { name: wholeName(name), value, isLong: true };
  }
  for (let at = 1; at < word.length; at += 1) {
    const name = `-${word[at]}`;
    const has = VALUES.get(name);
    if (has === undefined) return undefined;
    const isLast = at === word.length - 1;
    if (has === 'value') return { name, value: isLast ? undefined : word.slice(at + 1), isLong: false };
    if (isLast) return { name, value: undefined, isLong: false };
  }
  return undefined;
}

function wholeName(name: string): string {
  if (LONG_NAMES.includes(name)) return name;
  const [only, ...others] = LONG_NAMES.filter((long) => long.startsWith(name));
  return only === undefined || others.length > 0 ? name : only;
}

function namesIn(flags: string): readonly string[] {
  return flags.split(/[ ,]+/).filter((word) => word.startsWith('-'));
}
