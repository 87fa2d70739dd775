import { ALGORITHM_KEYWORDS, DEFAULT_ALGORITHMS, NEWER_THAN_SSH, supportedAlgorithms } from './algorithms.ts';
import type { SshConfigOutput } from './ssh-config-output.ts';

/** What of the `-o` options goes to `ssh -G`, and what is known here whatever it says of it. */
export interface DividedOptions {
  readonly forSsh: readonly string[];
  /** By keyword, as `ssh -G` prints them. */
  readonly own: SshConfigOutput;
}

/**
 * Takes out of the `-o` options what an older ssh would refuse, and reads lists of algorithms that say how they differ from the default, which
 * is ours and not that of the ssh that is here.
 */
export function divideOptions(options: readonly string[]): DividedOptions {
  const own = new Map<string, readonly string[]>();
  const seen = new Set<string>();
  const forSsh = options.flatMap((text) => {
    const [, name = '', value = ''] = /^\s*(\w+)(?:\s*=\s*|\s+)"?(.*?)"?\s*$/s.exec(text) ?? [];
    const keyword = name.toLowerCase();
    // The first one counts (ssh_config(5)).
    const isFirst = !seen.has(keyword);
    seen.add(keyword);
    if (keyword === 'warnweakcrypto') {
      if (isFirst) own.set(keyword, [value.toLowerCase()]);
      return [];
    }
    const list = ALGORITHM_KEYWORDS.find((one) => one.keyword.toLowerCase() === keyword)?.list;
    if (list === undefined) return [text];
    const [, sign = '', names = ''] = /^([+^-]?)(.*)$/s.exec(value) ?? [];
    const older = names.split(',').filter((one) => !NEWER_THAN_SSH.includes(one));
    const isOurs = sign !== '' || older.length < names.split(',').length;
    if (isOurs && isFirst) {
      const all = supportedAlgorithms(list);
      own.set(keyword, [assembleNames(sign, names.split(','), DEFAULT_ALGORITHMS[list], all).join(',')]);
    }
    return older.length === 0 ? [] : [`${name}=${sign}${older.join(',')}`];
  });
  return { forSsh, own };
}

/**
 * A list as `ssh_config(5)` reads it: `+` appends to the default, `-` removes from it, `^` puts in front of it, and without a sign it stands for
 * itself. `*` and `?` stand for what they match.
 *
 * @param all what patterns may stand for
 */
export function assembleNames(
  sign: string,
  patterns: readonly string[],
  byDefault: readonly string[],
  all: readonly string[],
): readonly string[] {
  if (sign === '-') return byDefault.filter((name) => !patterns.some((pattern) => matches(name, pattern)));
  const named = patterns.flatMap((pattern) =>
    /[*?]/.test(pattern) ? all.filter((name) => matches(name, pattern)) : [pattern],
  );
  const lists = { '+': [...byDefault, ...named], '^': [...named, ...byDefault], '': named };
  return [...new Set(lists[sign as keyof typeof lists])];
}

function matches(name: string, pattern: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(name);
}
