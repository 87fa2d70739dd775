import { describe, expect, test } from 'vitest';
import { diagnoseProhibition } from '../../../src/ssh/forwarding-diagnosis.ts';
import { type KeyOptions, parseKeyOptions } from '../../../src/ssh/key-options.ts';

const DATABASE = { host: '10.0.0.8', port: 5432 };
const OPEN: KeyOptions = {
  place: 'authorized_keys:1',
  forcesCommand: false,
  permitsForwarding: true,
  hasPermitOpen: false,
};

describe('what sshd tells of a key', () => {
  test.each([
    [': agent-forwarding port-forwarding pty user-rc x11-forwarding', { permitsForwarding: true }],
    [':', { permitsForwarding: false, forcesCommand: false, hasPermitOpen: false }],
    [': command port-forwarding', { forcesCommand: true, permitsForwarding: true }],
    [': permitopen port-forwarding pty', { hasPermitOpen: true, permitsForwarding: true }],
    [': agent-forwarding pty', { permitsForwarding: false }],
  ])('key options%s', (options, expected) => {
    const place = '/home/me/.ssh/authorized_keys:3';
    expect(parseKeyOptions(`${place}: key options${options}`)).toMatchObject({ place, ...expected });
  });

  test.each(['', 'key options: pty', 'permitted open: 10.0.0.8:5432', 'Forced command.'])(
    '%j is something else',
    (told) => {
      expect(parseKeyOptions(told)).toBeUndefined();
    },
  );

  test('a place is shown without what a terminal would obey', () => {
    expect(parseKeyOptions('/home/\u001b[2Jme:1: key options: pty')?.place).toBe('/home/[2Jme:1');
  });
});

describe('why a channel is prohibited', () => {
  const reasonFor = (keyOptions: readonly KeyOptions[], permitted?: string): string => {
    const { reason, remedy } = diagnoseProhibition(DATABASE, { keyOptions, permitted });
    return `${reason}; ${remedy}`;
  };

  test('without evidence all settings are named, and that it cannot be known', () => {
    expect(reasonFor([])).toBe(
      'sshd does not tell which of its settings prohibits it; ask for AllowTcpForwarding yes (or local), no ' +
        'DisableForwarding and, if it has PermitOpen, 10.0.0.8:5432 in that; or else, for your key in ' +
        'authorized_keys, no restrict, no-port-forwarding or permitopen without 10.0.0.8:5432',
    );
  });

  test('a key that may forward is not named', () => {
    expect(reasonFor([OPEN])).toBe(
      'sshd does not tell which of its settings prohibits it; ask for AllowTcpForwarding yes (or local), no ' +
        'DisableForwarding and, if it has PermitOpen, 10.0.0.8:5432 in that',
    );
  });

  test('a key that may not forward is the reason, whatever else there is', () => {
    const closed = { ...OPEN, permitsForwarding: false };
    expect(reasonFor([OPEN, closed], '10.0.0.9:22')).toBe(
      'the options of your key do not allow it (authorized_keys:1); ask for port-forwarding behind restrict there, ' +
        'or for no-port-forwarding to be removed',
    );
  });

  test('permitopen of the key', () => {
    expect(reasonFor([{ ...OPEN, hasPermitOpen: true }])).toBe(
      'your key has permitopen (authorized_keys:1); ask for permitopen="10.0.0.8:5432" there and, if its sshd_config ' +
        'has PermitOpen, for 10.0.0.8:5432 in that',
    );
  });

  test('another destination that is permitted leaves PermitOpen', () => {
    expect(reasonFor([OPEN], '10.0.0.9:22')).toBe(
      'it forwards to 10.0.0.9:22, so it permits some destinations only; ask for 10.0.0.8:5432 in PermitOpen of its ' +
        'sshd_config',
    );
    expect(reasonFor([], '10.0.0.9:22')).toContain(
      'sshd_config, or permitopen="10.0.0.8:5432" for your key in authorized_keys',
    );
  });

  test('names and IPv6 addresses are written as PermitOpen wants them', () => {
    const evidence = { keyOptions: [OPEN], permitted: 'x:1' };
    expect(diagnoseProhibition({ host: 'fd77::2', port: 80 }, evidence).remedy).toContain('[fd77::2]:80');
    expect(diagnoseProhibition({ host: 'db.internal', port: 80 }, evidence).remedy).toContain(
      'db.internal:80',
    );
  });
});
