import { describe, expect, test } from 'vitest';
import { nameOf, OPTION_KEYS, rowOf } from '../../../../src/config/options/table.ts';
import { OPTION_LINES, PROFILE_LINES, WRONG_OPTIONS, WRONG_PROFILE_LINES } from '../../cli/option-lines.ts';

const ROWS = OPTION_KEYS.map((key) => ({ key, ...rowOf(key) }));
const FLAGS = ROWS.flatMap(({ flags }) => flags.replace(/ .(?!-).*$/, '').split(', '));

/** What a line gives an option by, or a key of a profile. */
function namesIn(lines: readonly string[]): ReadonlySet<string> {
  return new Set(
    lines.flatMap((line) =>
      [...line.matchAll(/(?:^|\s)(-\w|--[\w-]+|[a-z_\d]+(?=:))/g)].map(([, name]) => name!),
    ),
  );
}

describe('the table of options', () => {
  test('has no flag and no key of a profile twice', () => {
    const keys = ROWS.flatMap(({ profile }) => profile?.key ?? []);
    expect(FLAGS.length).toBeGreaterThan(ROWS.length);
    expect(new Set(FLAGS).size).toBe(FLAGS.length);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.each(ROWS)('$key is within its own bounds, and what it needs is an option', (row) => {
    if (row.needs !== undefined) expect(FLAGS).toContain(row.needs);
    if (row.kind === 'choice' && row.otherwise !== undefined) expect(row.choices).toContain(row.otherwise);
    if (row.kind !== 'number') return;
    expect(row.otherwise).toBeGreaterThanOrEqual(row.least);
    expect(row.otherwise).toBeLessThanOrEqual(row.most);
  });

  test.each(ROWS)('$key has a line in what users see', ({ key, kind, profile }) => {
    const isBounded = kind !== 'flag' && kind !== 'count';
    const name = nameOf(key);
    if (name.startsWith('-')) expect(namesIn(['-r h', ...OPTION_LINES])).toContain(name);
    if (name.startsWith('-') && isBounded) expect(namesIn(WRONG_OPTIONS)).toContain(name);
    if (profile === undefined) return;
    expect(namesIn([...PROFILE_LINES, 'remote: h', 'subnets: [10.0.0.0/8]'])).toContain(profile.key);
    expect(namesIn([...WRONG_PROFILE_LINES, 'subnets: [10.0.0.0/33]'])).toContain(profile.key);
  });
});
