import { expect, test } from 'vitest';
import { DnsWarnings } from '../../../../src/dns/names/dns-warnings.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const refused = (what: string) => ({ cause: 'others-listener' as const, what, remedy: 'wait' });

test('what is refused of others is told when it begins, and again only when it was over', () => {
  const logger = recordingLogger();
  const warnings = new DnsWarnings(logger);
  for (const whats of [['a'], ['a', 'b'], ['b'], ['b', 'a']]) warnings.warnOfOthers(whats.map(refused));
  expect(logger.lines).toEqual(['warn a -> wait', 'warn b -> wait', 'warn a -> wait']);
});

test('a nameserver whose family cannot be captured is told once, and is a problem as long as it is so', () => {
  const logger = recordingLogger();
  const warnings = new DnsWarnings(logger);
  for (const nameservers of [['::1'], ['::1', 'fd00::1'], ['::1']]) warnings.warnOfFamilies(nameservers);
  expect(logger.lines).toHaveLength(2);
  expect(warnings.problems).toMatchObject([
    { cause: 'nameservers', what: expect.stringContaining('::1'), remedy: expect.any(String) },
  ]);
  warnings.warnOfFamilies([]);
  expect(warnings.problems).toEqual([]);
});
