import { expect, test, vi } from 'vitest';

vi.mock('../../../../src/net/machine/local-networks.ts', () => ({
  localNetworks: () => [],
  vpnRoutes: async () => [],
}));

const { overlapWarnings } = await import('../../../../src/app/keep-up/overlap-warnings.ts');
const { NOTHING_GIVEN } = await import('../../../../src/config/options/table.ts');
const { parseConfig } = await import('../../../../src/config/parse-config.ts');
const { reportOf, UP } = await import('../../../support/in-process/tunnel-reports.ts');

function profile(name: string, raw: Partial<typeof NOTHING_GIVEN>) {
  const result = parseConfig(
    { ...NOTHING_GIVEN, remote: ['h'], subnets: ['10.0.0.0/8'], ...raw },
    {
      readTextFile: () => ({ kind: 'unreadable', what: 'no' }),
      whyUnreadable: () => undefined,
      homeDirectory: '/home/me',
      workingDirectory: '/work',
    },
  );
  if (result.kind !== 'config') throw new Error(JSON.stringify(result.problems));
  return { name, config: result.config };
}

test('profiles for other users, or for other network namespaces, share no network', async () => {
  const root = profile('roots', { users: ['0'] });
  const other = profile('others', { users: ['1'] });
  expect(await overlapWarnings([root, other], [])).toEqual([]);
  expect(await overlapWarnings([root, profile('all', {})], [])).toEqual([
    expect.stringContaining('all: 10.0.0.0/8 is captured by roots, too'),
  ]);
  const blue = profile('blue', { namespaceName: 'blue' });
  expect(await overlapWarnings([root, blue], [])).toEqual([]);
});

test('nor does one with a tunnel that is up', async () => {
  const up = { ...reportOf('up', UP, '10.1.0.0/16'), programs: 'user 1' };
  expect(await overlapWarnings([profile('roots', { users: ['0'] })], [up])).toEqual([]);
  expect(await overlapWarnings([profile('all', {})], [up])).toEqual([
    expect.stringContaining('all: 10.1.0.0/16 is captured by up, too'),
  ]);
});
