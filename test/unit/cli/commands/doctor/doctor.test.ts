import { describe, expect, test } from 'vitest';
import { note, ok, problem, problemOf, untried } from '../../../../../src/cli/commands/doctor/finding.ts';
import { renderFinding } from '../../../../../src/cli/commands/doctor/render-finding.ts';
import { closingLine } from '../../../../../src/cli/commands/doctor/sshd-config-evidence.ts';
import { TshuttleError } from '../../../../../src/core/errors.ts';

describe('closingLine', () => {
  test.each<[string, string, number, string | undefined]>([
    ['nothing said', 'PasswordAuthentication no\n', 22, undefined],
    ['forwarding off', 'Port 22\nAllowTcpForwarding no\n', 22, 'AllowTcpForwarding no'],
    ['with an equals sign', 'allowtcpforwarding=no', 22, 'allowtcpforwarding=no'],
    ['only to the outside', 'AllowTcpForwarding remote', 22, 'AllowTcpForwarding remote'],
    ['only from the outside', 'AllowTcpForwarding local', 22, undefined],
    ['all of it off', '  DisableForwarding yes # all', 22, 'DisableForwarding yes # all'],
    ['some destinations', 'PermitOpen db:5432', 22, 'PermitOpen db:5432'],
    ['any destination', 'PermitOpen any', 22, undefined],
    ['the first counts', 'AllowTcpForwarding yes\nAllowTcpForwarding no', 22, undefined],
    ['another sshd', 'Port 2222\nAllowTcpForwarding no', 22, undefined],
    ['one of its ports', 'Port 22\nPort 2222\nAllowTcpForwarding no', 2222, 'AllowTcpForwarding no'],
    ['only for some', 'Match User guest\n  AllowTcpForwarding no', 22, undefined],
    ['a file before may say else', 'Include /etc/ssh/x/*\nAllowTcpForwarding no', 22, undefined],
    ['a comment', '#AllowTcpForwarding no', 22, undefined],
  ])('%s', (_what, text, port, line) => {
    expect(closingLine(text, port)?.line).toBe(line);
  });
});

const PLAIN = { columns: undefined, hasColour: false };

describe('findings', () => {
  test('read as lines, the remedy below', () => {
    const lines = [
      ok('a', 'fine'),
      note('b', 'so so'),
      untried('c', 'not tried', 'name it'),
      problem('c', 'bad', 'do this'),
    ]
      .map((finding) => renderFinding(finding, PLAIN))
      .join('');
    expect(lines).toBe(
      'ok       a: fine\nnote     b: so so\nUNTRIED  c: not tried\n         -> name it\nPROBLEM  c: bad\n         -> do this\n',
    );
  });

  test('long ones are wrapped below their beginning on a terminal, and nowhere else', () => {
    const long = problem('c', 'word '.repeat(30).trim(), 'remedy '.repeat(20).trim());
    const lines = renderFinding(long, { ...PLAIN, columns: 80 }).split('\n');
    expect(lines.every((line) => line.length <= 80)).toBe(true);
    expect(lines.slice(1, -1).every((line) => line.startsWith('         '))).toBe(true);
    expect(renderFinding(long, PLAIN).split('\n')).toHaveLength(3);
  });

  test('an expected failure has the words that it has elsewhere; another is none', () => {
    const own = new TshuttleError('ERR_BASTION_AUTH', 'refused', { remedy: 'do this' });
    expect(problemOf('bastion', own)).toEqual(problem('bastion', 'refused', 'do this'));
    expect(problemOf('x', new TshuttleError('ERR_LISTEN', 'taken')).remedy).toMatch(/port/);
    expect(() => problemOf('x', new TypeError('a bug'))).toThrow(TypeError);
  });
});
