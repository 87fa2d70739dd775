import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { BASTION_PASSWORD, BASTION_USER, ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { TmuxTerminal } from '../../support/lab/tmux-terminal.ts';
import { startOnTerminal } from '../../support/tshuttle/terminal.ts';
import { expectNothingLeft, READY, tshuttleArgv } from '../../support/tshuttle/tshuttle.ts';

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

/** Has sudo ask this user, who has {@link BASTION_PASSWORD}, for it, and not before PAM has thought for longer than a second. */
async function askForPasswords(lab: Lab, user: string): Promise<void> {
  const etc = join(lab.directory, 'etc');
  const edit = async (name: string, change: (text: string) => string): Promise<void> => {
    const path = join(etc, name);
    await writeFile(path, change(await readFile(path, 'utf8')));
  };
  await edit('sudoers', (text) => text.replace('NOPASSWD: ', ''));
  await edit('shadow', (text) => {
    const [, hash = ''] = new RegExp(`^${BASTION_USER.name}:([^:]*):`, 'm').exec(text)!;
    return text.replace(`${user}:*:`, () => `${user}:${hash}:`);
  });
  await edit('pam.d/sudo', (text) => `auth required pam_exec.so quiet /bin/sleep 2\n${text}`);
}

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

  it('says that the root helper is started while sudo thinks, and leaves what sudo asks alone', async () => {
    await using lab = await createLab();
    const { name: user } = ORDINARY_USER;
    await askForPasswords(lab, user);
    const client = {
      must: (argv: readonly string[], options: object) => lab.client.must(argv, { ...options, user }),
    };
    await using terminal = await TmuxTerminal.open({ directory: lab.machine.homeOf(user), client });
    const rows = async (): Promise<string> =>
      (await terminal.everything()).rows.filter((row) => /^tshuttle|^\[sudo\]/.test(row)).join('\n');
    await terminal.type(`clear; ${tshuttleArgv(lab, [SUBNET], { user }).join(' ')}`);
    const asked = `tshuttle: starting the root helper ...\n[sudo] password for ${user} to set tshuttle's redirect rules:`;
    await terminal.shows(/^\[sudo\] password/m);
    expect(await rows()).toBe(asked);
    // Longer than two looks of the line of progress.
    await delay(2_500);
    expect(await rows()).toBe(asked);
    await terminal.type(BASTION_PASSWORD);
    await terminal.shows(/^tshuttle: capturing /m);
    expect((await rows()).startsWith(`${asked}\ntshuttle: capturing `)).toBe(true);
    await expectToWork(lab);
    await terminal.press('C-c');
    await terminal.shows(/^\^C\s*\$/m);
    expect(await lab.client.rules()).not.toContain('tshuttle');
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
