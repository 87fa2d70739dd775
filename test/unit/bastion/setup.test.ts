import { describe, expect, it, test } from 'vitest';
import { filesOfSetup, problemsOfSetup } from '../../../src/bastion/plan-setup.ts';
import type { BastionKind } from '../../../src/bastion/setup.ts';
import { OPTION_SETS, setupOf } from '../../support/bastion/option-sets.ts';

const whole = (setup: Parameters<typeof filesOfSetup>[0]): string =>
  filesOfSetup(setup)
    .map(({ name, text }) => `=== ${name}\n${text}`)
    .join('');

/** The lines that only one of two texts has. */
function differences(before: string, after: string): string {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  const gone = old.filter((line) => !fresh.includes(line)).map((line) => `- ${line}`);
  const come = fresh.filter((line) => !old.includes(line)).map((line) => `+ ${line}`);
  return [...gone, ...come].join('\n');
}

describe('what bastion init prints', () => {
  const plain = OPTION_SETS.filter(([name]) => !name.includes(','));

  test.each(plain)('%s, as it is', async (name, setup) => {
    await expect(whole(setup)).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('with other options differs in these lines', async () => {
    const others = OPTION_SETS.filter(([name]) => name.includes(',')).map(([name, setup]) => {
      const [, base] = plain.find(([kind]) => kind === setup.kind)!;
      return `=== ${name}\n${differences(whole(base), whole(setup))}\n`;
    });
    await expect(others.join('\n')).toMatchFileSnapshot('golden/differences.txt');
  });

  test.each(OPTION_SETS)('%s: is the same each time, and ends its last line', (_name, setup) => {
    const files = filesOfSetup(setup);
    expect(files).toEqual(filesOfSetup(setup));
    for (const { text } of files) expect(text).toMatch(/[^\n]\n$/);
  });

  test.each(OPTION_SETS)('%s: refuses what no tunnel needs, in whatever is printed', (_name, setup) => {
    const text = whole(setup);
    for (const line of [
      'PermitRootLogin no',
      'PermitTTY no',
      'AllowTcpForwarding local',
      'PasswordAuthentication no',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).toContain(setup.kind === 'container' ? 'PermitOpen ' : 'ip daddr @metadata4 goto refused');
  });
});

describe('what cannot be a bastion', () => {
  const wrong = (kind: BastionKind, choices: Parameters<typeof setupOf>[1]): string =>
    problemsOfSetup(setupOf(kind, choices))
      .map(({ where, what }) => `${where}: ${what}`)
      .join('\n');

  test.each(OPTION_SETS)('%s can', (_name, setup) => {
    expect(problemsOfSetup(setup)).toEqual([]);
  });

  test.each([
    '',
    'Tunnel',
    'a b',
    'a\nb',
    "a'b",
    'a"b',
    '$(reboot)',
    '-a',
    '0day',
    'a'.repeat(32),
    'ä',
    'a;b',
    'a:b',
    '*',
  ])('the account %j is refused by its characters', (user) => {
    expect(wrong('debian', { user })).toContain('no name of a Linux account');
  });

  test.each(['root', 'sshd', 'nobody', 'www-data'])('%s is an account of the system', (user) => {
    expect(wrong('cloud-init', { user })).toContain('is an account of the system');
  });

  it('nobody could log in', () => {
    expect(problemsOfSetup({ ...setupOf('debian'), keys: [] })).toMatchObject([{ where: '--key' }]);
  });

  test.each(['169.254.169.254', '169.254.170.2:80', '169.254.0.0/17', 'fd00:ec2::254', '168.63.129.16'])(
    '%s is never allowed',
    (address) => {
      expect(wrong('debian', { allow: ['10.0.0.0/8', address] })).toContain('credentials of machines');
    },
  );

  it('a name beside networks', () => {
    expect(wrong('debian', { allow: ['10.0.0.0/8', 'db.internal:5432'] })).toContain('know no names');
    expect(wrong('debian', { allow: ['db.internal'] })).toContain('know no names');
  });

  it('a gate without a key that changes keys, or whose key does both; and keys that change keys of others', () => {
    const gate = setupOf('gate');
    expect(problemsOfSetup({ ...gate, managementKeys: [] })).toMatchObject([{ where: '--management-key' }]);
    expect(problemsOfSetup({ ...gate, managementKeys: gate.keys })).toMatchObject([
      { where: '--management-key' },
    ]);
    expect(problemsOfSetup({ ...gate, keys: [] })).toEqual([]);
    expect(wrong('gate', { user: 'a'.repeat(27) })).toContain('has more than 26 characters');
    expect(problemsOfSetup({ ...setupOf('debian'), managementKeys: gate.managementKeys })).toMatchObject([
      { where: '--management-key' },
    ]);
  });

  it('a container with what it has no rights for, or from which credentials could be had', () => {
    expect(wrong('container', { with: ['totp', 'fail2ban'] })).toMatch(
      /--totp:.*\n--fail2ban:.*\n--allow: is missing/,
    );
    for (const allow of ['10.0.0.0/8', '10.0.0.0/8:80', '10.0.0.0/8:79-81', '0/0:32526', 'db.internal']) {
      expect(wrong('container', { allow: [allow] }), allow).toContain('credentials of the container');
    }
    expect(wrong('container', { allow: ['169.254.170.2:8080'] })).toContain('no tunnel may reach');
  });
});
