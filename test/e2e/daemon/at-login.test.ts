import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOTED_REPOSITORY, BootedSystem } from '../../support/lab/booted-system.ts';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { BOOT_HOOK_TIMEOUT_MS } from '../../support/lab/system-root.ts';
import type { CommandResult } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { readmeCommand } from '../../support/readme/readme-blocks.ts';
import { clientProcesses, READY } from '../../support/tshuttle/tshuttle.ts';

const ALICE = ORDINARY_USER.name;
const TSHUTTLE = ['node', `${BOOTED_REPOSITORY}/bin/tshuttle`];
const HELPER = '/usr/local/libexec/tshuttle/helper';

describe.skipIf(skipLab)('a machine with systemd, at login', () => {
  let lab: Lab;
  let system: BootedSystem;

  beforeAll(async () => {
    lab = await createLab();
    system = await BootedSystem.boot(lab);
    // A Debian 13 has it; the tests say when there is one.
    await system.must(['rm', '-rf', '/usr/local/libexec']);
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

    it('leaves a folder that was there before, and is empty then, after a second install, too', async () => {
      await system.must(['mkdir', '-m', '755', '/usr/local/libexec']);
      const before = await filesOf('/usr/local');
      for (const action of ['--install', '--install', '--uninstall'])
        expect(await sudoers(action)).toMatchObject({ code: 0 });
      expect(await filesOf('/usr/local')).toBe(before);
      await system.must(['rmdir', '/usr/local/libexec']);
    });

    it('copies Node.js where others than root could change it, and leaves another version of the helper alone', async () => {
      await system.must(['sh', '-c', `mkdir /home/${ALICE}/bin && touch /home/${ALICE}/bin/node`]);
      await system.must(['mount', '--bind', '/usr/local/bin/node', `/home/${ALICE}/bin/node`]);
      const own = `/home/${ALICE}/bin/node`;
      const [, script = ''] = TSHUTTLE;
      const installed = await system.exec([own, script, 'sudoers', '--install', '--user', ALICE]);
      expect(installed.stdout, installed.stderr).toMatch(/copied the helper of [\d.]+ and Node\.js to/);
      expect(await system.must(['head', '-1', HELPER])).toBe('#!/usr/local/libexec/tshuttle/bin/node\n');
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

    it('can be used whatever the umask of root is; what its user cannot use is no success', async () => {
      const [node, script] = TSHUTTLE;
      const install = `exec ${node} ${script} sudoers --install --user ${ALICE}`;
      for (const umask of ['027', '077']) {
        const installed = await system.exec(['sh', '-c', `umask ${umask}; ${install}`]);
        expect(installed, installed.stderr).toMatchObject({ code: 0 });
        const files = await filesOf('/usr/local/libexec', '/etc/sudoers.d/tshuttle');
        expect(files.split('\n').filter((line) => !/^$| root:root (?:755|644|440) $/.test(line))).toEqual([]);
        expect(await asAlice('sudo', '-n', HELPER)).toMatchObject({ code: 0 });
        expect(await sudoers('--uninstall')).toMatchObject({ code: 0 });
      }

      await system.must(['mkdir', '-m', '700', '/usr/local/libexec']);
      const unreadable = await sudoers('--install');
      expect(unreadable).toMatchObject({ code: 78, stdout: '' });
      expect(unreadable.stderr).toMatch(
        /alice cannot read \/usr\/local\/libexec\/tshuttle\/helper.* -> .*chmod a\+rx/,
      );
      await system.must(['chmod', '755', '/usr/local/libexec']);
      const denial = '/etc/sudoers.d/zz-denial';
      await system.must(['sh', '-c', `echo '${ALICE} ALL=(root) PASSWD: ALL' >${denial}`]);
      const denied = await sudoers('--install');
      expect(denied).toMatchObject({ code: 78, stdout: '' });
      expect(denied.stderr).toMatch(/sudo does not let alice run .*: .*password/);
      await system.must(['rm', denial]);
      expect(await sudoers('--uninstall')).toMatchObject({ code: 0 });
      await system.must(['rmdir', '/usr/local/libexec']);

      const nobody = await system.exec([...TSHUTTLE, 'sudoers', '--install', '--user', 'mallory']);
      expect(nobody).toMatchObject({
        code: 78,
        stderr: expect.stringContaining('this machine has no user mallory'),
      });
      expect((await system.exec(['ls', '/etc/sudoers.d/tshuttle', HELPER])).stdout).toBe('');
    });

    it('grants nothing in a folder that others could change', async () => {
      await system.must(['mkdir', '-m', '775', '/usr/local/libexec']);
      const refused = await sudoers('--install');
      expect(refused).toMatchObject({ code: 78 });
      expect(refused.stderr).toMatch(
        /\/usr\/local\/libexec can be written by others than root -> .*chmod go-w/,
      );
      expect((await system.exec(['ls', '/etc/sudoers.d/tshuttle', HELPER])).stdout).toBe('');
      await system.must(['rmdir', '/usr/local/libexec']);
    });
  });

  describe('tshuttle service', () => {
    const identityFolder = '/etc/tshuttle/machine';
    const files = () => filesOf('/usr/local', '/etc', `/home/${ALICE}/.config`, '/var/lib', '/run/systemd');
    const fetched = async (): Promise<string> => {
      const program = `fetch('http://${ADDRESSES.destination4}:${HTTP_PORT}/').then((answer) => console.log(answer.status))`;
      return (await system.exec(['node', '-e', program])).stdout;
    };
    const service = async (user: string, ...words: string[]): Promise<CommandResult> =>
      system.exec([...TSHUTTLE, 'service', ...words], { user, env: sessionOf(user) });
    const typed = async (command: string): Promise<CommandResult> =>
      system.exec(['bash', '-ec', `PATH="${BOOTED_REPOSITORY}/bin:$PATH"; ${command}`], {
        user: ALICE,
        env: sessionOf(ALICE),
      });
    const property = async (user: string, unit: string, name: string): Promise<string> => {
      const manager = user === ALICE ? '--user' : '--system';
      const words = ['systemctl', manager, 'show', unit, `--property=${name}`, '--value'];
      return (await system.must(words, { user, env: sessionOf(user) })).trim();
    };
    const untilUp = async (user: string, unit: string): Promise<void> => {
      let state = '';
      await until(
        async () => {
          state = await property(user, unit, 'ActiveState');
          return state === 'active' && (await fetched()) === '200\n';
        },
        { deadlineMs: 30_000, what: () => `${unit} up, and carrying; it is ${state}` },
      );
    };

    beforeAll(async () => {
      const { ordinaryUserKey, userKey, knownHosts } = lab.sshd;
      const profile = (name: string, ...lines: string[]): string => {
        const all = [`remote: root@${ADDRESSES.bastion4}`, 'subnets: [10.77.0.0/24]', ...lines];
        return `profiles:\n  ${name}:\n${all.map((line) => `    ${line}\n`).join('')}`;
      };
      const own = profile(
        'office',
        `identity: [${ordinaryUserKey}]`,
        `ssh_options: [UserKnownHostsFile=${knownHosts}]`,
      );
      const write = async (path: string, text: string, user = 'root'): Promise<void> =>
        void (await system.must(['sh', '-c', `mkdir -p "$(dirname ${path})" && cat >${path}`], {
          user,
          stdin: text,
        }));
      await write(`/home/${ALICE}/.config/tshuttle/config.yaml`, own, ALICE);
      await write('/etc/tshuttle/config.yaml', profile('machine', 'method: nft'));
      await system.must(['mkdir', identityFolder]);
      await system.must(['install', '-m', '600', userKey, `${identityFolder}/identity`]);
      await system.must(['install', '-m', '644', knownHosts, `${identityFolder}/known_hosts`]);
      await system.must(['loginctl', 'enable-linger', ALICE]);
      await until(async () => (await system.exec(['ls', `/run/user/${ORDINARY_USER.id}/bus`])).code === 0, {
        deadlineMs: 20_000,
        what: "alice's systemd",
      });
    }, 60_000);

    it('is refused where it could not get root, with the line that would do', async () => {
      const refused = await service(ALICE, 'install', 'office');
      expect(refused).toMatchObject({ code: 77, stdout: '' });
      expect(refused.stderr).toContain(`alice ALL=(root) NOPASSWD: ${HELPER} ""`);
      expect((await service('root', 'install', '--system', 'office')).code).toBe(78);
      expect((await service(ALICE, 'install', '--system', 'machine')).code).not.toBe(0);
    });

    it(
      'of a user is ready, watched, started again when killed, and leaves nothing',
      async () => {
        const before = await files();
        // As for one who may sudo.
        const mayInstall = '/etc/sudoers.d/alice';
        await system.must(['sh', '-c', `echo '${ALICE} ALL=(ALL) NOPASSWD: ALL' >${mayInstall}`]);
        const granted = await typed(readmeCommand('tshuttle sudoers --install'));
        expect(granted, granted.stderr).toMatchObject({ code: 0 });
        await system.must(['rm', mayInstall]);
        const installed = await typed(readmeCommand('tshuttle service install office'));
        expect(installed, installed.stderr).toMatchObject({
          code: 0,
          stdout: expect.stringContaining('is installed and up'),
        });
        const unit = `/home/${ALICE}/.config/systemd/user/tshuttle.service`;
        const verify = ['systemd-analyze', 'verify', '--user', unit];
        expect(
          await system.must(['sh', '-c', `${verify.join(' ')} 2>&1`], { user: ALICE, env: sessionOf(ALICE) }),
        ).toBe('');
        expect(await fetched()).toBe('200\n');
        expect(await property(ALICE, 'tshuttle.service', 'StatusText')).toContain('10.77.0.0/24 through');
        expect((await service(ALICE, 'status')).stdout).toMatch(
          /^tshuttle\.service, for office: active \(running\), process id \d+, /,
        );

        process.kill(await mainPid(), 'SIGKILL');
        await until(async () => (await property(ALICE, 'tshuttle.service', 'NRestarts')) === '1', RESTARTED);
        await untilUp(ALICE, 'tshuttle.service');

        // With a watchdog that waits for less than the 30 s of the unit.
        const dropIn = `${unit}.d/short.conf`;
        await system.must(
          ['sh', '-c', `mkdir ${unit}.d && printf '[Service]\\nWatchdogSec=3\\n' >${dropIn}`],
          {
            user: ALICE,
          },
        );
        await system.must(['systemctl', '--user', 'daemon-reload'], { user: ALICE, env: sessionOf(ALICE) });
        await system.must(['systemctl', '--user', 'restart', 'tshuttle.service'], {
          user: ALICE,
          env: sessionOf(ALICE),
        });
        const watched = await mainPid();
        await until(
          async () => (await property(ALICE, 'tshuttle.service', 'WatchdogTimestamp')) !== '',
          RESTARTED,
        );
        process.kill(watched, 'SIGSTOP');
        await until(async () => (await property(ALICE, 'tshuttle.service', 'NRestarts')) === '1', RESTARTED);
        await untilUp(ALICE, 'tshuttle.service');
        expect(await mainPid()).not.toBe(watched);
        await system.must(['rm', '-r', `${unit}.d`]);

        expect(await service(ALICE, 'uninstall')).toMatchObject({ code: 0 });
        expect(await sudoers('--uninstall')).toMatchObject({ code: 0 });
        expect(await lab.client.rules()).toBe('');
        expect(lines(await files())).toEqual(lines(before));
      },
      LONG_MS,
    );

    it(
      'of the machine runs as a user of its own without sudo, starts at boot, and leaves nothing',
      async () => {
        const before = await files();
        const installed = await service('root', 'install', '--system', 'machine');
        expect(installed, installed.stderr).toMatchObject({ code: 0 });
        const unit = '/etc/systemd/system/tshuttle-machine.service';
        expect(await system.must(['sh', '-c', `systemd-analyze verify ${unit} 2>&1`])).toBe('');
        expect(await fetched()).toBe('200\n');
        const status = await readFile(`/proc/${await mainPid()}/status`, 'utf8');
        expect(status).toMatch(/^NoNewPrivs:\t1$/m);
        expect(status).toMatch(/^CapBnd:\t0000000000001000$/m);
        expect(status).not.toMatch(/^Uid:\t0\t/m);
        process.kill(await mainPid(), 'SIGKILL');
        await until(async () => (await property('root', 'tshuttle-machine', 'NRestarts')) === '1', RESTARTED);
        await untilUp('root', 'tshuttle-machine.service');

        await system.reboot();
        await untilUp('root', 'tshuttle-machine.service');

        expect(await service('root', 'uninstall', '--system')).toMatchObject({ code: 0 });
        expect(await lab.client.rules()).toBe('');
        expect((await system.exec(['getent', 'passwd', 'tshuttle'])).stdout).toBe('');
        expect(lines(await files())).toEqual(lines(before));
      },
      LONG_MS,
    );

    const mainPid = async (): Promise<number> => {
      const found = (await clientProcesses(lab)).filter(({ argv }) => argv[0] === 'tshuttle');
      expect(found).toHaveLength(1);
      return found[0]!.pid;
    };
  });
});

/** Systemd waits for 5 s before it starts something again. */
const LONG_MS = 150_000;
const RESTARTED = { deadlineMs: 40_000, what: 'systemd has started it again' };

/** What a command needs to speak with the user's own systemd. */
function sessionOf(user: string): Record<string, string> {
  return user === 'root' ? {} : { XDG_RUNTIME_DIR: `/run/user/${ORDINARY_USER.id}` };
}

/** What systemd itself writes while it runs, and backups of the tools that add and remove users, tell nothing. */
function lines(files: string): readonly string[] {
  return files
    .split('\n')
    .filter((line) => !/^\/(?:run\/systemd|var\/lib\/systemd)|^\/etc\/\S*- /.test(line))
    .sort();
}
