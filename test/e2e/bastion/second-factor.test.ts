import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectToCarry } from '../../support/clients/carrying.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { prepareReader } from '../../support/readme/reader.ts';
import { readmeCommand } from '../../support/readme/readme-blocks.ts';
import { codeNow, enrol, expiredCode, KEY_AND_CODE, nextCode } from '../../support/servers/second-factor.ts';
import { makeKeys, startAgent } from '../../support/servers/ssh-agent.ts';
import { startCommandOnTerminal, startOnTerminal } from '../../support/tshuttle/terminal.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination        the bastion wants a key and then a one-time code, by PAM
 */

const SUBNET = '10.77.0.0/24';
const remote = `${BASTION_USER.name}@${ADDRESSES.bastion4}`;

const DESTINATION = { host: ADDRESSES.destination4, seenAs: ADDRESSES.bastionInner4 };

async function expectToWork(lab: Lab): Promise<void> {
  const result = await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 });
  expect(result).toMatchObject({ peer: ADDRESSES.bastionInner4 });
}

/** A program for SSH_ASKPASS that gives this answer and writes down what it was asked. */
async function askpassProgram(
  lab: Lab,
  answer: string,
): Promise<{ path: string; asked: () => Promise<string> }> {
  const path = join(lab.sshd.machine.directory, 'askpass');
  const record = `${path}.asked`;
  await writeFile(record, '');
  await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$1" >>'${record}'\necho '${answer}'\n`);
  await chmod(path, 0o755);
  return { path, asked: () => readFile(record, 'utf8') };
}

describe.skipIf(skipLab)('a bastion that wants a key and a one-time code', () => {
  it.each(['ssh2', 'openssh'])(
    'gets the code from SSH_ASKPASS where there is no terminal, by %s',
    async (transport) => {
      await using lab = await createLab({ sshd: KEY_AND_CODE });
      await enrol(lab);
      const askpass = await askpassProgram(lab, codeNow());
      const env = { SSH_ASKPASS: askpass.path, SSH_ASKPASS_REQUIRE: 'force' };
      const tshuttle = await startTshuttle(lab, ['--transport', transport, SUBNET], { remote, env });
      expect(await askpass.asked()).toMatch(/^\(engineer@198\.51\.100\.1\) Verification code: ?\n$/);
      await expectToWork(lab);
      await stopTshuttle(lab, tshuttle);
    },
  );

  it('sees one connection when the time of the code is over, and both say that clocks may be the reason', async () => {
    await using lab = await createLab({ sshd: KEY_AND_CODE });
    await enrol(lab);
    const code = expiredCode();
    const askpass = await askpassProgram(lab, code);
    const env = { SSH_ASKPASS: askpass.path, SSH_ASKPASS_REQUIRE: 'force' };
    const result = await runTshuttle(lab, [SUBNET], { remote, env, timeoutMs: 60_000 });
    expect(result.code).toBe(77);
    expect(result.stderr).toContain('refused the login');
    expect(result.stderr).not.toContain(code);
    expect(result.stderr).toMatch(/a one-time code counts once, and only while both clocks are right/);
    // The program is asked once more, for the code of the next 30 s, and what it says again is not sent.
    expect((await askpass.asked()).match(/Verification code/g)).toHaveLength(2);
    expect(result.stderr).toContain('waiting for the next one');
    expect(lab.sshd.log().match(/Connection from/g)).toHaveLength(1);

    const doctor = await runTshuttle(lab, ['doctor'], { remote, env });
    expect(doctor, doctor.stderr).toMatchObject({ code: 1 });
    expect(doctor.stdout).toMatch(/^(?:note|ok) +clock: .*one-time codes/m);
    expect((await askpass.asked()).match(/Verification code/g)).toHaveLength(3);
    await expectNothingLeft(lab);
  }, 90_000);

  it.each([
    { transport: ['ssh2'] },
    { transport: ['openssh'] },
    { transport: ['openssh', '--openssh-carry', 'handover'], endsBoth: 'handover' },
  ] as const)(
    'gets the code from the terminal, and is asked again after a wrong one, by $transport',
    async ({ transport, ...carry }) => {
      await using lab = await createLab({ sshd: KEY_AND_CODE });
      await enrol(lab);
      const args = ['--transport', ...transport, '-o', 'NumberOfPasswordPrompts=2', SUBNET];
      const terminal = startOnTerminal(lab, args, { remote });
      await terminal.untilOutput(/code: ?$/i);
      terminal.write('000000\n');
      await terminal.untilOutput(/code: ?\s+[\s\S]*code: ?$/i);
      terminal.write(`${codeNow()}\n`);
      await terminal.untilOutput(/capturing .* through/);
      expect(lab.sshd.log().match(/Connection from/g)).toHaveLength(1);
      await expectToCarry(lab, DESTINATION, 'endsBoth' in carry ? carry.endsBoth : undefined);
      terminal.write('\u0003');
      expect(await terminal.exited).toMatchObject({ code: 130 });
      await expectNothingLeft(lab);
    },
  );

  it('is given up on the terminal after as many wrong codes as NumberOfPasswordPrompts, by openssh', async () => {
    await using lab = await createLab({ sshd: KEY_AND_CODE });
    await enrol(lab);
    const args = ['--transport', 'openssh', '-o', 'NumberOfPasswordPrompts=1', SUBNET];
    const terminal = startOnTerminal(lab, args, { remote });
    await terminal.untilOutput(/code: ?$/i);
    terminal.write('000000\n');
    const result = await terminal.exited;
    expect(result).toMatchObject({ code: 77 });
    expect(result.stdout.match(/code: /gi)).toHaveLength(1);
    expect(lab.sshd.log().match(/Connection from/g)).toHaveLength(1);
    await expectNothingLeft(lab);
  });
});

describe.skipIf(skipLab)('a tunnel in the background whose bastion is lost', () => {
  it('waits for `tshuttle login`, which asks for a code and sends that once', async () => {
    await using lab = await createLab({ sshd: KEY_AND_CODE });
    await enrol(lab);
    const events = join(lab.directory, 'events');
    const onEvent = join(lab.directory, 'on-event');
    await writeFile(onEvent, `#!/bin/sh\necho "$TSHUTTLE_EVENT -> $TSHUTTLE_REMEDY" >>${events}\n`);
    await chmod(onEvent, 0o755);
    const args = ['-D', '--hold-seconds', '120', '--on-event', onEvent, SUBNET];
    const start = startOnTerminal(lab, args, { remote });
    await start.untilOutput(/code: ?$/i);
    start.write(`${codeNow()}\n`);
    expect(await start.exited).toMatchObject({ code: 0 });
    await expectToWork(lab);

    await lab.sshd.stop();
    const before = lab.sshd.log().length;
    await lab.sshd.restart(KEY_AND_CODE);
    const waiting = lab.application({
      do: 'whoami',
      host: ADDRESSES.destination4,
      port: 7000,
      timeoutMs: 90_000,
    });
    const state = async (): Promise<string> =>
      (await lab.client.exec(['node', 'bin/tshuttle', 'status'])).stdout;
    await until(async () => / needs login .*\n[\s\S]*-> tshuttle login /.test(await state()), {
      deadlineMs: 30_000,
      what: 'it waits for its user',
    });
    // It has not tried by itself, with the code that it had.
    expect(lab.sshd.log().slice(before)).not.toContain('Connection from');

    const login = startCommandOnTerminal(lab, ['node', 'bin/tshuttle', 'login', remote]);
    await login.untilOutput(/code: ?$/i, 30_000);
    const code = nextCode();
    login.write(`${code}\n`);
    const { stdout } = await login.exited;
    expect(stdout).toContain(`tshuttle: ${remote} is connected`);
    expect(stdout).not.toContain(code);
    expect(await waiting).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    await expectToWork(lab);
    const log = lab.sshd.log().slice(before);
    expect(log.match(/Connection from/g)).toHaveLength(1);
    expect(log.match(/Accepted keyboard-interactive/g)).toHaveLength(1);
    expect(log).not.toContain('Failed keyboard-interactive');

    await lab.client.must(['node', 'bin/tshuttle', 'down', remote]);
    await expectNothingLeft(lab);
    expect((await readFile(events, 'utf8')).split('\n')).toEqual([
      'up -> ',
      `needs-login -> tshuttle login ${remote}`,
      'back -> ',
      'down -> ',
      '',
    ]);
  });
});

describe.skipIf(skipLab)('the same, with eight keys in the agent of which the last is the right one', () => {
  it('gets that one first where -i names it, and five keys on one connection where nothing does', async () => {
    await using lab = await createLab({ sshd: KEY_AND_CODE });
    await enrol(lab);
    const wrong = await makeKeys(lab, 7);
    await using agent = await startAgent(join(lab.directory, 'agent.sock'), [...wrong, lab.sshd.userKey]);
    const env = { SSH_AUTH_SOCK: agent.socket };
    const knownHosts = ['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];

    const unnamed = await runTshuttle(lab, [SUBNET], { remote, env, sshOptions: knownHosts });
    expect(unnamed).toMatchObject({ code: 77 });
    expect(unnamed.stderr).toContain('name the right one with -i');
    const log = lab.sshd.log();
    expect(log.match(/Connection from/g)).toHaveLength(1);
    expect(log.match(/Failed publickey/g)).toHaveLength(5);

    const reader = await prepareReader(lab, { login: BASTION_USER.name, hasIdentity: false });
    await copyFile(`${lab.sshd.userKey}.pub`, join(lab.machine.homeOf('root'), '.ssh', 'id_work.pub'));
    const command = readmeCommand('tshuttle -r me@bastion -i ~/.ssh/id_work.pub 10.0.0.0/8');
    const script = join(reader.folder, 'typed');
    await writeFile(script, reader.typed(`exec ${command}`)[2]!);
    const terminal = startCommandOnTerminal(lab, ['bash', '-e', script], { env });
    await terminal.untilOutput(/code: ?$/i);
    terminal.write(`${codeNow()}\n`);
    await terminal.untilOutput(/capturing .* through/);
    await expectToCarry(lab, DESTINATION);
    const named = lab.sshd.log().slice(log.length);
    expect(named.match(/Connection from/g)).toHaveLength(1);
    expect(named).not.toContain('Failed publickey');
    terminal.write('\u0003');
    expect(await terminal.exited).toMatchObject({ code: 130 });
    await expectNothingLeft(lab);
  });

  it('the same by openssh, which offers as many keys as the bastion hears where none is named', async () => {
    await using lab = await createLab({ sshd: KEY_AND_CODE });
    await enrol(lab);
    const wrong = await makeKeys(lab, 7);
    await using agent = await startAgent(join(lab.directory, 'agent.sock'), [...wrong, lab.sshd.userKey]);
    const env = { SSH_AUTH_SOCK: agent.socket };
    const knownHosts = ['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
    const args = ['--transport', 'openssh', SUBNET];

    const unnamed = await runTshuttle(lab, args, { remote, env, sshOptions: knownHosts });
    expect(unnamed).toMatchObject({ code: 77 });
    expect(unnamed.stderr).toMatch(/Too many authentication failures.* -> .*name the right one with -i/);
    const log = lab.sshd.log();
    expect(log.match(/Connection from/g)).toHaveLength(1);

    const sshOptions = ['-i', `${lab.sshd.userKey}.pub`, ...knownHosts];
    const terminal = startOnTerminal(lab, args, { remote, env, sshOptions });
    await terminal.untilOutput(/code: ?$/i);
    terminal.write(`${codeNow()}\n`);
    await terminal.untilOutput(/capturing .* through/);
    await expectToWork(lab);
    const named = lab.sshd.log().slice(log.length);
    expect(named.match(/Connection from/g)).toHaveLength(1);
    expect(named).not.toContain('Failed publickey');
    terminal.write('\u0003');
    expect(await terminal.exited).toMatchObject({ code: 130 });
    await expectNothingLeft(lab);
  });
});
