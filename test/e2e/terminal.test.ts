import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../support/lab/lab.ts';
import { BASTION_PASSWORD, BASTION_USER } from '../support/lab/machine.ts';
import { skipLab } from '../support/lab/requirements.ts';
import { startOnTerminal } from '../support/tshuttle/terminal.ts';
import { expectNothingLeft, READY, tshuttleArgv } from '../support/tshuttle/tshuttle.ts';

/*
 *  client: a terminal ── tshuttle ──ssh── bastion ── destination 10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const CTRL_C = '\u0003';

async function expectToWork(lab: Lab): Promise<void> {
  const result = await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 });
  expect(result).toMatchObject({ peer: ADDRESSES.bastionInner4 });
}

/** The ready line as a terminal shows it. */
const READY_ON_SCREEN = new RegExp(READY.source.replace('$', '\\r?$'), 'm');

describe.skipIf(skipLab)('on a terminal', () => {
  it.each(['root', 'alice'])('Ctrl-C by %s ends tshuttle with 130, and nothing is left', async (user) => {
    await using lab = await createLab();
    const terminal = startOnTerminal(lab, [SUBNET], user === 'root' ? {} : { user });
    await terminal.untilOutput(READY_ON_SCREEN);
    await expectToWork(lab);
    terminal.write(CTRL_C);
    expect(await terminal.exited).toMatchObject({ code: 130 });
    await expectNothingLeft(lab);
  });

  it('a terminal that is closed ends tshuttle, and nothing is left', async () => {
    await using lab = await createLab();
    const terminal = startOnTerminal(lab, [SUBNET]);
    await terminal.untilOutput(READY_ON_SCREEN);
    terminal.kill('SIGKILL');
    await expectNothingLeft(lab);
  });

  it('a terminal that is closed is a stop that was asked for: 0, and no crash', async () => {
    await using lab = await createLab();
    const closeTerminal = ['perl', 'test/support/tshuttle/close-terminal.pl', 'capturing'];
    const result = await lab.client.exec([...closeTerminal, ...tshuttleArgv(lab, [SUBNET])]);
    expect(result.stdout, result.stderr).toBe('ended with 0\n');
    await expectNothingLeft(lab);
  });

  it('an unknown host key is shown, and taken on "yes"', async () => {
    await using lab = await createLab();
    const key = await readFile(lab.sshd.knownHosts, 'utf8');
    await writeFile(lab.sshd.knownHosts, '');
    const terminal = startOnTerminal(lab, [SUBNET]);
    await terminal.untilOutput(/SHA256:[\w+/]{43}[\s\S]*\?/);
    terminal.write('yes\n');
    await terminal.untilOutput(READY_ON_SCREEN);
    await expectToWork(lab);
    expect(await readFile(lab.sshd.knownHosts, 'utf8')).toContain(key.trim().split(' ').at(-1));
    terminal.write(CTRL_C);
    await terminal.exited;
    await expectNothingLeft(lab);
  });

  it('an unknown host key is refused on "no"', async () => {
    await using lab = await createLab();
    await writeFile(lab.sshd.knownHosts, '');
    const terminal = startOnTerminal(lab, [SUBNET]);
    await terminal.untilOutput(/SHA256:[\w+/]{43}[\s\S]*\?/);
    terminal.write('no\n');
    expect(await terminal.exited).toMatchObject({ code: 76 });
    expect(await readFile(lab.sshd.knownHosts, 'utf8')).toBe('');
    await expectNothingLeft(lab);
  });

  it('a password is asked for, and not shown', async () => {
    await using lab = await createLab({ sshd: ['PasswordAuthentication yes', 'PubkeyAuthentication no'] });
    const terminal = startOnTerminal(lab, [SUBNET], { remote: `${BASTION_USER.name}@${ADDRESSES.bastion4}` });
    await terminal.untilOutput(/password.*: ?$/i);
    terminal.write(`${BASTION_PASSWORD}\n`);
    await terminal.untilOutput(READY_ON_SCREEN);
    expect(terminal.stdout).not.toContain(BASTION_PASSWORD);
    await expectToWork(lab);
    terminal.write(CTRL_C);
    await terminal.exited;
    await expectNothingLeft(lab);
  });
});
