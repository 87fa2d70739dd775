import { describe, expect, test } from 'vitest';
import { Redactor } from '../../../../../src/cli/commands/report/redactor.ts';

describe('Redactor', () => {
  const redactor = new Redactor([
    ['alice', 'user'],
    ['bastion', 'host'],
    ['/home/alice', 'home'],
    ['hunter2', 'secret'],
    ['vm1', 'host'],
  ]);

  test.each([
    ['alice@bastion', '<user-1>@<host-1>'],
    ['/home/alice/.ssh/id_work', '<home-1>/.ssh/id_work'],
    ['password hunter2!', 'password <secret-1>!'],
    ['vm1 is not vm10', '<host-2> is not vm10'],
  ])('%s', (text, expected) => {
    expect(redactor.redact(text)).toBe(expected);
  });

  test('what nobody told it, it knows by its looks, and the same has the same word', () => {
    const patterns = new Redactor([]);
    expect(patterns.redact('db.internal.example:5432 at 10.0.0.8, again db.internal.example')).toBe(
      '<host-1>:5432 at <address-1>, again <host-1>',
    );
    expect(patterns.redact('2001:db8::7 and fe80::1%eth0')).toBe('<address-2> and <address-3>%eth0');
    expect(patterns.redact(`SHA256:${'a'.repeat(43)}`)).toBe('<fingerprint-1>');
    expect(patterns.redact('token gAAAAABmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZm==')).toBe('token <opaque-1>');
  });

  test.each([
    '127.0.0.1',
    '::1',
    'localhost',
    'dist/main.js',
    'config.yaml',
    '2026-11-25T01:02:03.004Z',
    '12:30:00',
  ])('leaves %s', (text) => {
    expect(new Redactor([]).redact(text)).toBe(text);
  });
});
