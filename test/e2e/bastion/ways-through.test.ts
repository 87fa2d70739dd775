import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectToCarry } from '../../support/clients/carrying.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { FAR_VM, openGate, VM } from '../../support/servers/gate.ts';
import {
  clientProcesses,
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── gate ──ssh── VM ──ssh── FAR_VM ── destination
 *  198.51.100.2   :2222        10.77.0.2  10.77.0.3   10.78.0.2: all in one namespace, the names known there only
 */

const SUBNET = '10.78.0.0/24';
/** A machine that connects to an address of its own does so from that address; the gate's would be another. */
const DESTINATION = { host: ADDRESSES.farDestination4, seenAs: ADDRESSES.farDestination4 };

describe.skipIf(skipLab)('a bastion that is known by name only, behind a gate', () => {
  it('is reached by ProxyCommand and by ProxyJump, with either transport', async () => {
    await using lab = await createLab();
    const gate = await openGate(lab);
    const ways = [
      { way: 'ProxyCommand', transport: ['ssh2'] },
      { way: 'ProxyJump', transport: ['ssh2'] },
      { way: 'ProxyCommand', transport: ['openssh'] },
      { way: 'ProxyJump', transport: ['openssh', '--openssh-carry', 'handover'], endsBoth: 'handover' },
    ] as const;
    for (const { way, transport, ...carry } of ways) {
      const options = { remote: VM, sshOptions: ['-F', await gate.configure(way)] };
      const tshuttle = await startTshuttle(lab, ['-v', '--transport', ...transport, SUBNET], options);
      await expectToCarry(lab, DESTINATION, 'endsBoth' in carry ? carry.endsBoth : undefined);
      await stopTshuttle(lab, tshuttle);
    }
  });

  it('is a target of config.yaml: by its UUID, and for ssh by what target ssh-config writes', async () => {
    await using lab = await createLab();
    await openGate(lab);
    const home = lab.machine.homeOf('root');
    await copyFile(join(lab.directory, 'gate_known_hosts'), join(home, '.ssh', 'known_hosts'));
    const key = (name: string): string => join(lab.directory, `${name}_user_key`);
    const env = { HOME: home };
    for (const line of [
      `gate add cloud -r root@${ADDRESSES.bastion4}:2222 -i ${key('gate')}`,
      `target add vm --gate cloud --server ${VM} --user root -i ${key('vm')}`,
      'target ssh-config --write ~/.ssh/config.d/tshuttle',
    ]) {
      const done = await lab.client.exec(['node', 'bin/tshuttle', ...line.split(' ')], { env });
      expect(done, done.stderr).toMatchObject({ code: 0 });
    }
    const tshuttle = await startTshuttle(lab, [SUBNET], { remote: VM, sshOptions: [], env });
    await expectToCarry(lab, DESTINATION);
    await stopTshuttle(lab, tshuttle);
    await writeFile(join(home, '.ssh', 'config'), 'Include config.d/tshuttle\n', { mode: 0o600 });
    const argv = ['ssh', '-o', 'BatchMode=yes', '-W', `${DESTINATION.host}:7000`, VM];
    const bySsh = await lab.client.exec(argv, { stdin: '{"do":"whoami"}\n', env });
    expect(bySsh.stdout, bySsh.stderr).toContain(`"peer":"${DESTINATION.seenAs}"`);
  });

  it('two hops, everything captured: only the first is dialled, and it is exempt', async () => {
    await using lab = await createLab();
    const config = await (await openGate(lab)).configure('ProxyJump');
    const options = { remote: FAR_VM, sshOptions: ['-F', config] };
    const tshuttle = await startTshuttle(lab, ['0/0'], options);
    expect(tshuttle.stdout).toContain(
      `${FAR_VM} (through root@${VM} (through root@gate (198.51.100.1:2222)))`,
    );
    await expectToCarry(lab, DESTINATION);
    await stopTshuttle(lab, tshuttle);

    const handover = ['--transport', 'openssh', '--openssh-carry', 'handover', '0/0'];
    const bySsh = await startTshuttle(lab, handover, options);
    expect(await lab.client.rules()).toContain('2222');
    await expectToCarry(lab, DESTINATION, 'handover');
    await stopTshuttle(lab, bySsh);
  });

  it('by ProxyCommand, everything captured: what the command is connected to is exempt', async () => {
    await using lab = await createLab();
    const config = await (await openGate(lab)).configure('ProxyCommand');
    const tshuttle = await startTshuttle(lab, ['0/0'], { remote: VM, sshOptions: ['-F', config] });
    expect(await lab.client.rules()).toContain('2222');
    await expectToCarry(lab, DESTINATION);
    await stopTshuttle(lab, tshuttle);
  });

  it('-J of the command line, through a SOCKS5 proxy, everything captured', async () => {
    await using lab = await createLab();
    const config = await (await openGate(lab)).configure('ProxyCommand');
    const proxy = lab.bastion.spawn(['microsocks', '-i', ADDRESSES.bastion4, '-p', '1080']);
    await until(async () => (await lab.bastion.must(['ss', '-Hltn', 'sport = :1080'])) !== '', {
      deadlineMs: 5_000,
      what: () => `the proxy: ${proxy.stderr}`,
    });
    const upstream = `socks5://${ADDRESSES.bastion4}:1080`;
    const sshOptions = ['-F', config, '-J', 'gate', '--upstream-proxy', upstream];
    const tshuttle = await startTshuttle(lab, ['0/0'], { remote: VM, sshOptions });
    expect(tshuttle.stdout).toContain(`through the proxy ${ADDRESSES.bastion4}:1080`);
    await expectToCarry(lab, DESTINATION);
    await stopTshuttle(lab, tshuttle);

    const command = `ProxyCommand=nc -X 5 -x ${ADDRESSES.bastion4}:1080 %h %p`;
    const direct = [...optionsForBastion(lab), '-o', command, '--transport', 'openssh'];
    const bySsh = await startTshuttle(lab, ['10.77.0.0/24'], { sshOptions: direct });
    expect(await lab.bastion.must(['ss', '-Hnt', 'state', 'established', 'sport = :1080'])).not.toBe('');
    await expectToCarry(lab, { host: ADDRESSES.destination4, seenAs: ADDRESSES.bastionInner4 });
    await stopTshuttle(lab, bySsh);
  });

  it('leaves no ProxyCommand when tshuttle is killed', async () => {
    await using lab = await createLab();
    const config = await (await openGate(lab)).configure('ProxyCommand');
    await startTshuttle(lab, [SUBNET], { remote: VM, sshOptions: ['-F', config] });
    const hasSsh = async () => (await clientProcesses(lab)).some(({ argv }) => argv[0] === 'ssh');
    expect(await hasSsh()).toBe(true);
    process.kill((await tshuttleProcesses(lab)).main, 'SIGKILL');
    await expectNothingLeft(lab);
  });

  it('--on-down exit: a gate that dies ends it with 75, and the reason', async () => {
    await using lab = await createLab();
    const config = await (await openGate(lab)).configure('ProxyJump');
    const args = ['--on-down', 'exit', SUBNET];
    const tshuttle = await startTshuttle(lab, args, { remote: VM, sshOptions: ['-F', config] });
    for (const pid of await lab.bastion.pids()) process.kill(pid, 'SIGKILL');
    const result = await tshuttle.exited;
    expect(result).toMatchObject({ code: 75 });
    expect(result.stderr).toMatch(new RegExp(`lost the bastion root@${VM} .*its jump host is gone`));
    await expectNothingLeft(lab);
  });

  it('a wrong gate is told in the words of the ProxyCommand', async () => {
    await using lab = await createLab();
    const config = await (await openGate(lab)).configure('ProxyCommand');
    const sshOptions = ['-F', config, '-o', 'ProxyCommand=ssh -o BatchMode=yes nowhere.invalid -W %h:%p'];
    const result = await runTshuttle(lab, [SUBNET], { remote: VM, sshOptions });
    expect(result).toMatchObject({ code: 68 });
    expect(result.stderr).toMatch(/ProxyCommand ended with status 255, saying '.*nowhere\.invalid/);
    await expectNothingLeft(lab);
  });
});

function optionsForBastion(lab: Lab): string[] {
  return ['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
}
