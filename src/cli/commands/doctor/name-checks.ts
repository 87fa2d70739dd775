import type { Config } from '../../../config/config.ts';
import { type SearchRules, searchWarning } from '../../../dns/system/search-domains.ts';
import { capacityOf } from '../../../dns/zone/synthetic-addresses.ts';
import { blockCountOf, blockOf } from '../../../dns/zone/synthetic-blocks.ts';
import { type Finding, note } from './finding.ts';

/** Fewer names than this many programs ask for within two minutes. */
const FEW_NAMES = 1_000;

/** What is worth knowing of names in zones: what this machine makes of other names, and how many there may be at once. */
export function* checkNames(dns: Config['dns'], search: SearchRules): Generator<Finding> {
  if (dns === undefined || dns.zones.length === 0) return;
  const warning = searchWarning(search, dns.zones);
  if (warning !== undefined) yield note('names', warning.what, warning.remedy);
  const { range4, range6 } = dns.syntheticRanges;
  const count = blockCountOf(range4);
  const block = { range4: blockOf(range4, count, 0), range6: blockOf(range6, count, 0) };
  const names = capacityOf(block) * Math.max(1, count / 2);
  if (names < FEW_NAMES) {
    const what = `--synthetic-range has addresses for ${names} names in zones at once; without one a name is answered SERVFAIL`;
    yield note('names', what, 'have a larger network: a /19 has 4,072, the default 65,512');
  }
}
