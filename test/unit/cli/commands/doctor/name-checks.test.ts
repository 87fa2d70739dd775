import { expect, it } from 'vitest';
import { checkNames } from '../../../../../src/cli/commands/doctor/name-checks.ts';
import { parseDns } from '../../../../../src/config/dns.ts';
import { parseSearchRules } from '../../../../../src/dns/system/search-domains.ts';

function findings(domains: readonly string[], range: string | undefined, resolvConf: string) {
  const parsed = parseDns({ zones: domains, syntheticRanges: range });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return [...checkNames(parsed.dns, parseSearchRules(resolvConf))];
}

it('doctor notes a search domain in a zone, and a range that is small', () => {
  expect(findings(['inner.example'], undefined, 'search other.example')).toEqual([]);
  expect(findings([], '198.18.0.0/25', 'search inner.example')).toEqual([]);
  const [search, range] = findings(
    ['inner.example'],
    '198.18.0.0/25',
    'search inner.example\noptions ndots:5',
  );
  expect(search).toMatchObject({
    check: 'names',
    status: 'note',
    remedy: expect.stringContaining('ndots') as string,
  });
  expect(range?.what).toContain('for 58 names');
});
