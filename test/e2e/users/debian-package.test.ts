import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOTED_REPOSITORY, BootedSystem } from '../../support/lab/booted-system.ts';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { BOOT_HOOK_TIMEOUT_MS } from '../../support/lab/system-root.ts';
import { type Child, type CommandResult, mustRun } from '../../support/process/child.ts';
import { clientProcesses, READY } from '../../support/tshuttle/tshuttle.ts';

const ALICE = ORDINARY_USER.name;
const HELPER = '/usr/lib/tshuttle/helper';
const GRANT = '/etc/sudoers.d/tshuttle-users';
const OLD = '9.0.0';
const NEW = '9.0.1';

describe.skipIf(skipLab)('the package of Debian', () => {
  let lab: Lab;
  let system: BootedSystem;
  let packages: string;
  let before: readonly string[];
  let tunnel: Child;

  beforeAll(async () => {
    lab = await createLab();
    packages = join(lab.directory, 'packages');
    await mkdir(packages);
    system = await BootedSystem.boot(lab);
    for (const version of [OLD, NEW]) await build(version, packages);
    await system.must(['useradd', '-m', '-u', String(ORDINARY_USER.id), '-s', '/bin/bash', ALICE]);
    if ((await system.exec(['dpkg', '-s', 'nodejs'])).code !== 0) await installNodejs();
    before = await traces();
  }, BOOT_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  /** As NodeSource has it for a Debian whose own is too old. */
  const installNodejs = async (): Promise<void> => {
    const folder = join(packages, 'nodejs');
    await mustRun(['mkdir', '-p', join(folder, 'DEBIAN'), join(folder, 'usr/bin')]);
    await mustRun(['ln', '-s', '/usr/local/bin/node', join(folder, 'usr/bin/node')]);
    const control = `Package: nodejs\nVersion: ${process.versions.node}-1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: the Node.js of this machine\n`;
    await mustRun(['sh', '-c', `cat >${folder}/DEBIAN/control`], { stdin: control });
    await mustRun(['dpkg-deb', '--root-owner-group', '--build', folder, `${folder}.deb`]);
    await system.must(['dpkg', '-i', `${folder}.deb`]);
  };

  /** What is on the disk, but for what dpkg, systemd and the tools that add groups keep for themselves. */
  const traces = async (): Promise<readonly string[]> => {
    // The checkout is this machine's, where other tests build what they need.
    const places = ['/usr', '/etc', '/var', '/opt', '-path', BOOTED_REPOSITORY, '-prune', '-o'];
    const files = await system.must(['find', ...places, '-printf', '%p %u:%g %m %l\n']);
    const groups = await system.must(['cat', '/etc/group', '/etc/gshadow', '/etc/passwd']);
    const others = /^\/(?:var\/(?:lib\/(?:dpkg|systemd)|log|cache|tmp)|etc\/\S*-) ?/;
    return [
      ...files
        .split('\n')
        .filter((line) => !others.test(line))
        .sort(),
      ...groups.split('\n'),
    ];
  };
  const install = async (version: string): Promise<CommandResult> =>
    system.exec(['sh', '-c', `dpkg -i ${packages}/tshuttle_${version}-1_*.deb`], { timeoutMs: 60_000 });
  const asAlice = async (...argv: string[]): Promise<CommandResult> => system.exec(argv, { user: ALICE });
  const tunnelWords = (): string[] => {
    const options = ['-i', lab.sshd.ordinaryUserKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
    return ['tshuttle', '-r', `root@${ADDRESSES.bastion4}`, ...options, '10.77.0.0/24'];
  };
  const startTunnel = async (): Promise<Child> => {
    const child = system.spawn(tunnelWords(), { user: ALICE });
    await child.untilOutput(READY, 20_000);
    return child;
  };
  const expectCarries = async (): Promise<void> => {
    const program = `fetch('http://${ADDRESSES.destination4}:${HTTP_PORT}/').then((answer) => console.log(answer.status))`;
    expect(await asAlice('node', '-e', program)).toMatchObject({ stdout: '200\n' });
  };
  /** The process of the tunnel that is up, and that of its helper. */
  const processes = async (): Promise<{ readonly main: number; readonly helper: number }> => {
    const all = await clientProcesses(lab);
    const main = all.filter(({ argv }) => argv[0] === 'tshuttle').map(({ pid }) => pid);
    const helper = all.filter(({ argv }) => argv[1] === HELPER && argv.length === 2).map(({ pid }) => pid);
    expect([main.length, helper.length]).toEqual([1, 1]);
    return { main: main[0]!, helper: helper[0]! };
  };
  const expectVersion = async (pid: number, version: string): Promise<void> => {
    const mapped = /\/usr\/lib\/tshuttle\/([^/]+)\//g;
    const versions = [...(await readFile(`/proc/${pid}/maps`, 'utf8')).matchAll(mapped)].map(
      ([, one]) => one,
    );
    expect([...new Set(versions)]).toEqual([version]);
  };

  it('gives nobody anything of root’s; members of its group start tunnels without a password', async () => {
    const installed = await install(OLD);
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    expect(await system.must(['getent', 'group', 'tshuttle-users'])).toMatch(/^tshuttle-users:x:\d+:\n$/);
    expect(await asAlice('tshuttle', '--version')).toMatchObject({ stdout: `tshuttle ${OLD}\n` });
    expect((await asAlice(...tunnelWords())).code, 'nobody is a member').toBe(77);
    expect((await asAlice('sudo', '-n', HELPER)).code).not.toBe(0);

    await system.must(['usermod', '--append', '--groups', 'tshuttle-users', ALICE]);
    tunnel = await startTunnel();
    const { main, helper } = await processes();
    for (const pid of [main, helper]) await expectVersion(pid, OLD);
    await expectCarries();
    for (const argv of [[HELPER, 'argument'], ['/bin/true'], ['-E', HELPER]])
      expect((await asAlice('sudo', '-n', ...argv)).code, argv.join(' ')).not.toBe(0);

    const unit = '/usr/lib/systemd/user/tshuttle@.service';
    const verified = await system.exec(['systemd-analyze', 'verify', '--user', '--man=no', unit], {
      env: { XDG_RUNTIME_DIR: '/run' },
    });
    expect(verified, verified.stderr).toMatchObject({ code: 0, stderr: '' });
  });

  it('is upgraded with a tunnel up, which goes on as what it is; the next is of the new version', async () => {
    const { main, helper } = await processes();
    // As an administrator may have left it.
    const grant = await system.must(['cat', GRANT]);
    await system.must(['sh', '-c', `echo 'nonsense of somebody' >>${GRANT}`]);
    const refused = await install(NEW);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`tshuttle: sudo does not take ${GRANT}`);
    await system.must(['sh', '-c', `cat >${GRANT}`], { stdin: grant });
    expect(await system.must(['dpkg', '--configure', 'tshuttle'])).toContain(`a tunnel of ${OLD} is up`);
    expect(await asAlice('tshuttle', '--version')).toMatchObject({ stdout: `tshuttle ${NEW}\n` });

    expect(await processes()).toEqual({ main, helper });
    await expectCarries();
    // With all that it may have yet to load.
    const unpacked = `dpkg-deb --fsys-tarfile ${packages}/tshuttle_${OLD}-1_*.deb | tar -C / --compare ./usr/lib/tshuttle/${OLD}`;
    await system.must(['sh', '-c', unpacked]);
    process.kill(main, 'SIGTERM');
    expect(await tunnel.exited).toMatchObject({ code: 0 });
    expect(await lab.client.rules()).toBe('');

    tunnel = await startTunnel();
    const next = await processes();
    for (const pid of [next.main, next.helper]) await expectVersion(pid, NEW);
    await expectCarries();
  });

  it('grants the same helper to a user by tshuttle sudoers, without a copy', async () => {
    const sudoers = async (action: string): Promise<CommandResult> =>
      system.exec(['tshuttle', 'sudoers', action, '--user', ALICE]);
    expect(await sudoers('--install')).toMatchObject({
      code: 0,
      stdout: expect.not.stringContaining('copied'),
    });
    expect(await system.must(['cat', '/etc/sudoers.d/tshuttle'])).toContain(
      `${ALICE} ALL=(root) NOPASSWD: ${HELPER} ""`,
    );
    expect((await system.exec(['ls', '/usr/local/libexec/tshuttle'])).code).not.toBe(0);
    expect(await sudoers('--uninstall')).toMatchObject({ code: 0 });
    expect((await system.exec(['ls', HELPER])).code).toBe(0);
    // For the end: a purge takes it back, too.
    expect(await sudoers('--install')).toMatchObject({ code: 0 });
  });

  it('is removed with a tunnel up, which ends; after a purge nothing is left', async () => {
    expect(await system.must(['dpkg', '-r', 'tshuttle'])).toContain('ending the tunnels that are up');
    expect(await tunnel.exited).toMatchObject({ code: 0 });
    expect(await lab.client.rules()).toBe('');
    expect((await system.exec(['ls', '/usr/lib/tshuttle', '/usr/bin/tshuttle'])).stdout).toBe('');
    await system.must(['dpkg', '-P', 'tshuttle']);
    expect(await traces()).toEqual(before);
  });
});

async function build(version: string, output: string): Promise<void> {
  const words = ['bash', '.ci/packaging/debian/build', '--version', version, '--output', output];
  await mustRun(words, { timeoutMs: 120_000 });
}
