import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { filesOfSetup } from '../../../src/bastion/plan-setup.ts';
import { setupOf } from '../../support/bastion/option-sets.ts';
import { fileInScript } from '../../support/bastion/printed-files.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { mustRun } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { openPrintedBastion } from '../../support/servers/printed-bastion.ts';
import { codeNow, enrol, KEY_AND_CODE } from '../../support/servers/second-factor.ts';

/*
 *  client ──ssh── bastion ── destination, which is the metadata service of the cloud and the world, too
 */

const METADATA = '169.254.169.254';
const WORLD = '1.1.1.1';
const DESTINATION = `${ADDRESSES.destination4}:7000`;

/** Answers where clouds and the world do. */
const LISTEN = `
  const { createServer } = require('node:net');
  const serve = (port) => new Promise((done) => createServer((s) => { s.on('error', () => {}); s.resume(); }).listen(port, done));
  Promise.all([80, 443].map(serve)).then(() => console.log('ready'));`;

/** A socket that systemd would have made, open to everybody. */
const LISTEN_UNIX = `
  const { createServer } = require('node:net');
  const { chmodSync, mkdirSync } = require('node:fs');
  mkdirSync('/run/dbus', { recursive: true });
  createServer((s) => { s.on('error', () => {}); s.resume(); }).listen('/run/dbus/system_bus_socket', () => {
    chmodSync('/run/dbus/system_bus_socket', 0o777);
    console.log('ready');
  });`;

interface Report {
  readonly problems: number;
  readonly logins: number;
  readonly rows: ReadonlyArray<{
    readonly check: string;
    readonly status: string;
    readonly what: string;
    readonly remedy: string | null;
  }>;
}

/** What an sshd of Debian 12 offers as it comes, and what a key without options may. */
const AS_IT_COMES = ['MACs', 'key'];
const WIDE_OPEN = ['metadata', 'itself', 'the world'];
const FORWARDS_ALL = ['remote forwards', 'unix sockets'];
const SESSIONS = ['shell', 'terminal', 'sftp', 'agent'];

/** The lines that matter of five bastions as they are found: of a cloud, with a code, in a container, without a machine, and a gate. */
const FOUND: ReadonlyArray<
  readonly [name: string, user: string, sshd: readonly string[], problems: readonly string[]]
> = [
  [
    'a cloud’s image as it comes',
    BASTION_USER.name,
    ['X11Forwarding yes', 'Subsystem sftp internal-sftp'],
    [...AS_IT_COMES, ...SESSIONS, ...FORWARDS_ALL, ...WIDE_OPEN],
  ],
  [
    'the same with a code, and with passwords',
    BASTION_USER.name,
    [
      ...KEY_AND_CODE.slice(0, 2),
      'PasswordAuthentication yes',
      'AuthenticationMethods publickey,keyboard-interactive password',
      'Subsystem sftp internal-sftp',
    ],
    [...AS_IT_COMES, 'passwords', ...SESSIONS, ...FORWARDS_ALL, ...WIDE_OPEN],
  ],
  [
    'a hardened container',
    BASTION_USER.name,
    [
      'PermitTTY no',
      'ForceCommand /usr/sbin/nologin',
      'AllowAgentForwarding no',
      'AllowTcpForwarding local',
      'AllowStreamLocalForwarding no',
    ],
    ['MACs', ...WIDE_OPEN],
  ],
  [
    'a container without a machine, by root',
    'root',
    [
      'Match User root',
      'AllowTcpForwarding yes',
      'AllowAgentForwarding no',
      'ForceCommand /bin/false',
      'Match all',
    ],
    [...AS_IT_COMES, 'root', 'terminal', ...FORWARDS_ALL, ...WIDE_OPEN],
  ],
  [
    'a gate to port 22 of everything, with old algorithms',
    BASTION_USER.name,
    [
      'PermitTTY no',
      'ForceCommand /bin/false',
      'AllowTcpForwarding local',
      'PermitOpen *:22',
      'Ciphers aes128-ctr,aes128-cbc',
      'KexAlgorithms +diffie-hellman-group14-sha1',
      'HostKeyAlgorithms +ssh-rsa',
    ],
    // PermitOpen holds for unix sockets, too.
    ['key exchange', 'ciphers', 'MACs', 'itself'],
  ],
];

describe.skipIf(skipLab)('bastion audit', () => {
  let lab: Lab;

  beforeEach(async () => {
    lab = await createLab();
    for (const address of [METADATA, WORLD]) {
      await lab.destination.ip(`addr add ${address}/32 dev eth0`);
      await lab.bastion.ip(`route add ${address}/32 dev inner0 src ${ADDRESSES.bastionInner4}`);
    }
    const services = lab.destination.spawn(['node', '-e', LISTEN]);
    await services.untilOutput(/ready/);
    return () => lab[Symbol.asyncDispose]();
  });

  async function audit(
    remote: string,
    sshOptions: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly report: Report; readonly code: number | null }> {
    const argv = [
      'node',
      'bin/tshuttle',
      'bastion',
      'audit',
      '--json',
      '-r',
      remote,
      ...sshOptions,
      DESTINATION,
    ];
    const { stdout, stderr, code } = await lab.client.exec(argv, { env, timeoutMs: 60_000 });
    if (!stdout.startsWith('{')) throw new Error(stdout + stderr);
    return { report: JSON.parse(stdout) as Report, code };
  }

  const problemsOf = ({ rows }: Report): readonly string[] =>
    rows.filter(({ status }) => status === 'problem').map(({ check }) => check);

  test.each(FOUND)(
    'finds exactly what is wrong with %s, by one login',
    async (_name, user, sshd, problems) => {
      const isAsked = sshd.includes('KbdInteractiveAuthentication yes');
      if (isAsked) await enrol(lab);
      await lab.sshd.restart(['ListenAddress 127.0.0.1', ...sshd]);
      const bus = lab.bastion.spawn(['node', '-e', LISTEN_UNIX]);
      await bus.untilOutput(/ready/);
      const askpass = join(lab.directory, 'askpass');
      await writeFile(askpass, `#!/bin/sh\necho ${codeNow()}\n`, { mode: 0o755 });
      const before = lab.sshd.log().length;

      const options = ['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
      const env: Record<string, string> = isAsked
        ? { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' }
        : {};
      const { report, code } = await audit(`${user}@${ADDRESSES.bastion4}`, options, env);

      const destinations = sshd.includes('PermitOpen *:22') ? ['destination'] : [];
      expect([...problemsOf(report)].sort()).toEqual([...problems, ...destinations].sort());
      expect(code).toBe(1);
      for (const row of report.rows.filter(({ status }) => status === 'problem'))
        expect(row.remedy).not.toBeNull();
      const log = lab.sshd.log().slice(before);
      const from = new RegExp(`Connection from ${ADDRESSES.client4} `, 'g');
      expect(log.match(from)).toHaveLength(report.logins);
      expect(log.match(/^Accepted (?!key )/gm)).toHaveLength(report.logins);
    },
  );

  it.each([
    ['debian', { allow: ['10.77.0.0/24'] }],
    ['debian', { allow: [DESTINATION] }],
    ['container', { allow: [DESTINATION] }],
  ] as const)('finds nothing wrong with what bastion init prints: %s %j', async (kind, choices) => {
    const key = await readFile(`${lab.sshd.userKey}.pub`, 'utf8');
    const bastion = await openPrintedBastion(lab, setupOf(kind, choices, key));
    const { report, code } = await audit(bastion.remote, bastion.sshOptions);
    expect(problemsOf(report)).toEqual([]);
    expect(code).toBe(0);
    expect(report.rows.filter(({ status }) => status === 'ok').length).toBeGreaterThanOrEqual(16);
    expect(bastion.log().match(/Connection from /g)).toHaveLength(1);
  });

  it('is no failure for fail2ban, in Debian’s filter at its most aggressive and in ours; a wrong key is one', async () => {
    const key = await readFile(`${lab.sshd.userKey}.pub`, 'utf8');
    const setup = setupOf('debian', { allow: ['10.77.0.0/24'], with: ['fail2ban'] }, key);
    const bastion = await openPrintedBastion(lab, setup);
    const ours = join(lab.directory, 'filter.conf');
    const text = fileInScript(filesOfSetup(setup)[0].text, '/etc/fail2ban/filter.d/tshuttle-bastion.conf');
    await writeFile(ours, text.replace('before = common', 'before = /etc/fail2ban/filter.d/common'));
    /** Who is told as having failed, once for each time. */
    const failures = async (): Promise<readonly number[]> => {
      const log = join(lab.directory, 'auth.log');
      let connection = 0;
      const lines = bastion
        .log()
        .split('\n')
        .map((line) => {
          if (line.startsWith('Connection from ')) connection += 1;
          return `Nov 30 09:00:00 bastion sshd[${connection}]: ${line}\n`;
        });
      await writeFile(log, lines.join(''));
      return await Promise.all(
        [ours, 'sshd[mode=aggressive]'].map(async (filter) => {
          const output = await mustRun(['fail2ban-regex', '-o', 'id', log, filter]);
          return output.split('\n').filter((line) => line === ADDRESSES.client4).length;
        }),
      );
    };
    expect((await audit(bastion.remote, bastion.sshOptions)).code).toBe(0);
    expect(await failures()).toEqual([0, 0]);
    const wrongKey = join(lab.directory, 'wrong');
    await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', wrongKey]);
    const wrong = ['-i', wrongKey, ...bastion.sshOptions.slice(2)];
    const argv = [
      'ssh',
      '-F',
      'none',
      '-o',
      'BatchMode=yes',
      ...wrong,
      `${setup.user}@${ADDRESSES.bastion4}`,
    ];
    expect((await lab.client.exec(argv)).stderr).toContain('Permission denied');
    // The client has ended before sshd says so.
    await until(() => / authenticating user \S+ \S+ port \d+/.test(bastion.log()), {
      deadlineMs: 10_000,
      what: () => `sshd tells of the failure: ${bastion.log()}`,
    });
    const [byOurs, byDebians] = await failures();
    expect(byOurs).toBe(1);
    expect(byDebians).toBeGreaterThan(0);
  });
});
