import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryOptions } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { type CommandResult, runCommand } from '../../support/process/child.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../support/servers/loopback-sshd.ts';

/*
 * As in a container that is started with `--user 54321`: a uid that the machine has no account of.
 */

const USER_ID = 54_321;

/** Runs "$@" as that uid; $2 shows the repository, which may be for its owner's eyes only, and $1 are the options of its mount. */
const AS_STRANGER = `mount -t overlay -o "$1" overlay "$2" && shift 2 &&
  exec setpriv --reuid=${USER_ID} --regid=${USER_ID} --clear-groups -- "$@"`;

describe.skipIf(skipLab)('a uid without an account', () => {
  let home: string;
  let sshd: LoopbackSshd;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'tshuttle-no-account-'));
    sshd = await startLoopbackSshd();
    const key = await sshd.makeKey('user_key');
    await sshd.authorize(key);
    await copyFile(key, join(home, 'key'));
    const hostKey = (await readFile(`${sshd.hostKeyFile}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(join(home, 'known_hosts'), `[127.0.0.1]:${sshd.port} ${hostKey}\n`);
    for (const folder of ['repository', 'empty']) await mkdir(join(home, folder));
    for (const path of [home, join(home, 'key'), join(home, 'known_hosts')])
      await chown(path, USER_ID, USER_ID);
    await chmod(join(home, 'key'), 0o600);
  });

  afterAll(async () => {
    await sshd[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  async function run(
    words: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): Promise<CommandResult> {
    const repository = join(home, 'repository');
    const mount = [repositoryOptions(join(home, 'empty')), repository];
    const who = ['unshare', '--mount', 'sh', '-c', AS_STRANGER, 'sh', ...mount];
    const env = { PATH: process.env['PATH'] ?? '', ...more };
    const command = [...who, process.execPath, join(repository, 'bin/tshuttle'), ...words];
    const result = await runCommand(command, { env });
    // Neither its mount nor Node.js failed.
    expect(result.stderr).not.toMatch(/mount: |node:internal/);
    return result;
  }

  const bastion = (user = 'root@'): readonly string[] => {
    const options = [`UserKnownHostsFile=${join(home, 'known_hosts')}`, 'IdentityAgent=none'];
    return [
      '-r',
      `${user}127.0.0.1:${sshd.port}`,
      '-i',
      join(home, 'key'),
      ...options.flatMap((one) => ['-o', one]),
    ];
  };

  test.each([
    ['with a home', (): Record<string, string> => ({ HOME: home })],
    ['without a home', (): Record<string, string> => ({})],
  ])('%s has a tunnel, and is told that ssh itself will not run', async (_what, environment) => {
    const words = ['run', '--rootless', ...bastion(), '10.0.0.0/8', '--', 'true'];
    const { code, stderr } = await run(words, environment());
    expect(stderr).toContain(`no account of uid ${USER_ID}`);
    expect(code, stderr).toBe(0);
  });

  test('must name the user of the bastion, or have LOGNAME name one', async () => {
    const words = [...bastion(''), '--rootless', '10.0.0.0/8', '--', 'true'];
    const unnamed = await run(['run', ...words], { HOME: home });
    expect(unnamed.code, unnamed.stderr).toBe(78);
    expect(unnamed.stderr).toContain('-r USER@127.0.0.1');
    const named = await run(['run', ...words], { HOME: home, LOGNAME: 'root' });
    expect(named.code, named.stderr).toBe(0);
  });

  test.each([
    [['status']],
    [['list']],
    [['cleanup']],
    [['sudoers']],
    [['service', 'install', 'office']],
    [['report']],
    [['doctor', '--socks', '0', '-r', 'me@127.0.0.1:1']],
    [['run', '--isolated', '-r', 'me@127.0.0.1:1', '10.0.0.0/8', '--', 'true']],
    [['-D', '--socks', '0', '-r', 'me@127.0.0.1:1']],
    [['--transport', 'openssh', '--socks', '0', '-r', 'me@127.0.0.1:1']],
  ])('%j is no internal error', async (words) => {
    const { code, stdout, stderr } = await run(words);
    expect(code, `${stdout}${stderr}`).not.toBe(70);
    expect(`${stdout}${stderr}`).not.toMatch(/internal error|uv_os_/);
  });
});
