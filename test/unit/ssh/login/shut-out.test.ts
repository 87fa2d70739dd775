import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { TshuttleError } from '../../../../src/core/errors.ts';
import { parseKnownHosts } from '../../../../src/ssh/host-keys/known-hosts.ts';
import { hasAnswered, perhapsBanned, perhapsBannedByFiles } from '../../../../src/ssh/login/shut-out.ts';
import type { SshTarget } from '../../../../src/ssh/ssh-target.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILabGWBvCUmEvEWBTCkG2tGYvWmR4jlWDM7D1gBqBM9K';

function targetOf(port: number, alias?: string, userFiles: readonly string[] = []): SshTarget {
  const host = 'gate.example';
  const lookupName = alias ?? (port === 22 ? host : `[${host}]:${port}`);
  const proxy = { kind: 'none' } as const;
  return {
    host,
    port,
    user: 'me',
    proxy,
    hostKeys: { lookupName, userFiles, globalFiles: [] },
  } as unknown as SshTarget;
}

describe('a bastion has answered before', () => {
  test.each([
    { what: 'filed on this port', line: 'gate.example', port: 22, answered: true },
    { what: 'filed on this other port', line: 'other,[gate.example]:2222', port: 2222, answered: true },
    { what: 'filed on port 22, and now another is asked', line: 'gate.example', port: 2222, answered: false },
    { what: 'filed on another port', line: '[gate.example]:2222', port: 22, answered: false },
    { what: 'by a pattern, which nobody has seen answer', line: '*.example', port: 22, answered: false },
    { what: 'by an authority', line: '@cert-authority gate.example', port: 22, answered: false },
    { what: 'revoked', line: '@revoked gate.example', port: 22, answered: false },
    { what: 'by an alias, which has no port', line: 'corp', port: 22, alias: 'corp', answered: false },
  ])('$what: $answered', ({ line, port, alias, answered }) => {
    expect(hasAnswered(targetOf(port, alias), parseKnownHosts(`${line} ${KEY}\n`, 'known_hosts'))).toBe(
      answered,
    );
  });
});

describe('a bastion that no longer answers', () => {
  const failure = (message: string, cause?: unknown): TshuttleError =>
    new TshuttleError('ERR_BASTION_UNREACHABLE', message, { remedy: 'check the host', cause });

  test.each([
    {
      words: 'ssh: connect to host gate.example port 22: Connection refused',
      remedy: /^sshd may be down, or fail2ban/,
    },
    {
      words: 'ssh: connect to host gate.example port 22: Connection timed out',
      remedy: /^the network or the bastion/,
    },
    {
      words: 'ssh: connect to host gate.example port 22: No route to host',
      remedy: /^the network or the bastion/,
    },
  ])('is told in one way, also in the words of ssh: $words', ({ words, remedy }) => {
    expect(perhapsBanned(failure(words), true)).toMatchObject({
      message: `${words}, and it answered before`,
      remedy: expect.stringMatching(remedy),
    });
    expect(perhapsBanned(failure(words), false)).toMatchObject({ message: words, remedy: 'check the host' });
  });

  it('is found in the files of the user, for the openssh transport too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tshuttle-shut-out-'));
    try {
      const file = join(folder, 'known_hosts');
      writeFileSync(file, `gate.example ${KEY}\n`);
      const refused = failure('ssh: connect to host gate.example port 22: Connection refused');
      expect(await perhapsBannedByFiles(refused, targetOf(22, undefined, [file]))).toMatchObject({
        message: expect.stringMatching(/and it answered before$/),
      });
      expect(await perhapsBannedByFiles(refused, targetOf(2222, undefined, [file]))).toBe(refused);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
