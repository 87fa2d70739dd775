import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOTED_REPOSITORY, BootedSystem } from '../support/booted-system.ts';
import type { CommandResult } from '../support/child.ts';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../support/lab.ts';
import { ORDINARY_USER } from '../support/machine.ts';
import { skipLab } from '../support/requirements.ts';
import { BOOT_HOOK_TIMEOUT_MS } from '../support/system-root.ts';
import { clientProcesses, READY } from '../support/tshuttle.ts';

const ALICE = ORDINARY_USER.name;
const TSHUTTLE = ['node', `${BOOTED_REPOSITORY}/bin/tshuttle`];
const HELPER = '/usr/local/libexec/tshuttle/helper';

describe.skipIf(skipLab)('a machine with systemd, at login', () => {
  let lab: Lab;
  let system: BootedSystem;

  beforeAll(async () => {
    lab = await createLab();
    system = await BootedSystem.boot(lab);
    await system.must(['useradd', '-m', '-u', String(ORDINARY_USER.id), '-s', '/bin/bash', ALICE]);
  }, BOOT_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const asAlice = async (...argv: string[]): Promise<CommandResult> => system.exec(argv, { user: ALICE });
  const sudoers = async (...words: string[]): Promise<CommandResult> =>
    system.exec([...TSHUTTLE, 'sudoers', ...words, '--user', ALICE]);
  const filesOf = async (...folders: string[]): Promise<string> =>
    system.must(['find', ...folders, '-printf', '%p %u:%g %m %l\n']);
  const tunnelWords = (): string[] => {
    const { ordinaryUserKey, knownHosts } = lab.sshd;
    const options = ['-i', ordinaryUserKey, '-o', `UserKnownHostsFile=${knownHosts}`];
    return [...TSHUTTLE, '-r', `root@${ADDRESSES.bastion4}`, ...options, '10.77.0.0/24'];
  };

  describe('tshuttle sudoers', () => {
    it('has sudo ask for no password, for this program without arguments and no other', async () => {
      const before = await filesOf('/usr/local', '/etc');
      expect((await asAlice(...tunnelWords())).code, 'without the line').toBe(77);

      const installed = await sudoers('--install');
      expect(installed, installed.stderr).toMatchObject({ code: 0 });
      expect(installed.stdout).toMatch(/copied the helper of [\d.]+ to \/usr\/local\/libexec\/tshuttle\n/);
      expect(await filesOf('/etc/sudoers.d/tshuttle')).toContain(' root:root 440 ');
      const files = await filesOf('/usr/local/libexec');
      expect(
        files.split('\n').filter((line) => line !== '' && !/ root:root (?:755|644) $/.test(line)),
      ).toEqual([]);

      const tshuttle = system.spawn(tunnelWords(), { user: ALICE });
      await tshuttle.untilOutput(READY, 20_000);
      const processes = await clientProcesses(lab);
      expect(processes.some(({ argv }) => argv[1] === HELPER && argv.length === 2)).toBe(true);
      const fetched = `fetch('http://${ADDRESSES.destination4}:${HTTP_PORT}/').then((answer) => console.log(answer.status))`;
      expect(await asAlice('node', '-e', fetched)).toMatchObject({ stdout: '200\n' });
      process.kill(processes.find(({ argv }) => argv[0] === 'tshuttle')!.pid, 'SIGTERM');
      expect(await tshuttle.exited).toMatchObject({ code: 0 });

      for (const argv of [[HELPER, 'argument'], ['/bin/true'], ['-E', HELPER], ['NODE_OPTIONS=-v', HELPER]]) {
        expect((await asAlice('sudo', '-n', ...argv)).code, argv.join(' ')).not.toBe(0);
      }
      await system.must(['sh', '-c', 'echo "console.log(6 * 7)" >/tmp/loaded.cjs']);
      const withOptions = await asAlice(
        'env',
        'NODE_OPTIONS=--require=/tmp/loaded.cjs',
        'sudo',
        '-n',
        HELPER,
      );
      expect(withOptions).toMatchObject({ code: 0, stdout: expect.stringContaining('"hello"') });
      expect(withOptions.stdout).not.toContain('42');

      expect(await sudoers('--uninstall')).toMatchObject({ code: 0 });
      expect(await filesOf('/usr/local', '/etc')).toBe(before);
    });

    it('copies Node.js where others than root could change it, and leaves another version of the helper alone', async () => {
      await system.must(['sh', '-c', `mkdir /home/${ALICE}/bin && touch /home/${ALICE}/bin/node`]);
      await system.must(['mount', '--bind', '/usr/local/bin/node', `/home/${ALICE}/bin/node`]);
      const own = `/home/${ALICE}/bin/node`;
      const [, script = ''] = TSHUTTLE;
      const installed = await system.exec([own, script, 'sudoers', '--install', '--user', ALICE]);
      expect(installed.stdout, installed.stderr).toMatch(/copied the helper of [\d.]+ and Node\.js to/);
      expect(await system.must(['head', '-1', HELPER])).toBe('#!/usr/local/libexec/tshuttle/node\n');
      expect(await asAlice('sudo', '-n', HELPER)).toMatchObject({ code: 0 });

      await system.must([
        'sed',
        '-i',
        's/"version":"[^"]*"/"version":"0.0.1"/',
        '/usr/local/libexec/tshuttle/package.json',
      ]);
      expect((await asAlice(...tunnelWords())).code).toBe(77);
      expect(await sudoers('--uninstall')).toMatchObject({ code: 0 });
      await system.must(['umount', own]);
    });

    it('grants nothing in a folder that others could change', async () => {
      await system.must(['mkdir', '-m', '775', '/usr/local/libexec']);
      const refused = await sudoers('--install');
      expect(refused).toMatchObject({ code: 78 });
      expect(refused.stderr).toMatch(
        /\/usr\/local\/libexec can be written by others than root\n.*chmod go-w/,
      );
      expect((await system.exec(['ls', '/etc/sudoers.d/tshuttle', HELPER])).stdout).toBe('');
      await system.must(['rmdir', '/usr/local/libexec']);
    });
  });
});
