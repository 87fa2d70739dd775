import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveTarget } from '../../../src/ssh/config/target.ts';
import type { Ssh2Transport } from '../../../src/ssh/ssh2/connected-transport.ts';
import { openSsh2Transport } from '../../../src/ssh/ssh2/transport.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';
import { NO_TERMINAL } from '../../support/in-process/scripted-prompter.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

const SFTP = 'Subsystem sftp internal-sftp';

async function connect(sshd: LoopbackSshd, ...options: string[]): Promise<Ssh2Transport> {
  await sshd.authorize(await sshd.makeKey('user_key'));
  const key = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(sshd.knownHosts, `[127.0.0.1]:${sshd.port} ${key}\n`);
  const logger = recordingLogger();
  const { signal } = new AbortController();
  const request = sshd.request([join(sshd.directory, 'user_key')], ...options);
  const target = await resolveTarget(request, { logger, signal });
  return await openSsh2Transport(target, {
    logger,
    signal,
    prompter: NO_TERMINAL,
    mayOpenSession: false,
    beforeDial: async () => {},
  });
}

test.each(['no', 'yes'])(
  'a file of the bastion is read over SFTP, with Compression=%s',
  async (compression) => {
    await using sshd = await startLoopbackSshd(SFTP);
    const transport = await connect(sshd, `Compression=${compression}`);
    const at = (name: string): string => join(sshd.directory, name);
    const text = 'nameserver 10.0.0.1\n'.repeat(3_000);
    await writeFile(at('file'), text);
    await writeFile(at('empty'), '');
    await writeFile(at('large'), 'x'.repeat(64 * 1024 + 1));

    expect(await transport.readFile(at('file'))).toBe(text);
    expect(await transport.readFile(at('empty'))).toBe('');
    await expect(transport.readFile(at('large'))).rejects.toThrow(/large has more than 65536 bytes$/);
    await expect(transport.readFile(at('none'))).rejects.toThrow(/none: no such file$/);
    await transport.close();
  },
);

test.each([
  [
    'says something else',
    ['ForceCommand echo This bastion forwards only', SFTP],
    /^what it says is no SFTP$/,
  ],
  ['says nothing and ends', ['ForceCommand /bin/false', SFTP], /^it ended before the end of the file$/],
  [
    'says more than any program here',
    ['ForceCommand yes this is a long notice', SFTP],
    /^what it says is no SFTP$/,
  ],
  ['has no SFTP', ['Subsystem other internal-sftp'], /^it has no sftp$/],
  ['allows no session', ['MaxSessions 0'], /^open failed$/],
])('a bastion that %s: that is said', async (_what, configuration, why) => {
  await using sshd = await startLoopbackSshd(...configuration);
  const transport = await connect(sshd);
  const outcome = await transport.readFile('/etc/hostname').catch((error: Error) => error);
  await transport.close();
  expect(outcome).toMatchObject({ message: expect.stringMatching(why) });
});
