import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { filesOfSetup } from '../../../src/bastion/plan-setup.ts';
import type { BastionSetup } from '../../../src/bastion/setup.ts';
import { OPTION_SETS } from '../../support/bastion/option-sets.ts';
import { configInContainerfile, fileInScript } from '../../support/bastion/printed-files.ts';
import { mustRun, runCommand } from '../../support/process/child.ts';

/** What Debian's own sshd_config says behind its Include line, and what clouds put beside it. */
const OF_DEBIAN = [
  'KbdInteractiveAuthentication no',
  'UsePAM yes',
  'X11Forwarding yes',
  'Subsystem sftp /usr/lib/openssh/sftp-server',
];
const OF_CLOUDS = 'PasswordAuthentication yes\nPermitRootLogin yes\nAllowTcpForwarding yes\n';

/** What holds for the account of the tunnels, whatever else is asked for. */
const ALWAYS = {
  permitrootlogin: 'no',
  passwordauthentication: 'no',
  pubkeyauthentication: 'yes',
  hostbasedauthentication: 'no',
  permitemptypasswords: 'no',
  allowtcpforwarding: 'local',
  allowstreamlocalforwarding: 'no',
  allowagentforwarding: 'no',
  x11forwarding: 'no',
  permittunnel: 'no',
  permittty: 'no',
  permituserrc: 'no',
  permituserenvironment: 'no',
  gatewayports: 'no',
  forcecommand: '/usr/sbin/nologin',
  maxsessions: '2',
  clientaliveinterval: '120',
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-bastion-'));
  await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host_key')]);
  if (process.getuid?.() === 0) await mustRun(['mkdir', '-p', '/run/sshd']);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The whole configuration that sshd would have, in files. */
async function configFile(setup: BastionSetup): Promise<string> {
  const printed = filesOfSetup(setup)[0].text;
  const path = join(folder, 'sshd_config');
  if (setup.kind === 'container') {
    await writeFile(path, configInContainerfile(printed));
    return path;
  }
  const dropIn = fileInScript(printed, '/etc/ssh/sshd_config.d/00-tshuttle-bastion.conf');
  await writeFile(join(folder, '00-tshuttle-bastion.conf'), dropIn);
  await writeFile(join(folder, '50-cloud-init.conf'), OF_CLOUDS);
  await writeFile(path, [`Include ${folder}/*.conf`, ...OF_DEBIAN, ''].join('\n'));
  return path;
}

/** What sshd makes of it for a user. */
async function effective(path: string, user: string): Promise<Readonly<Record<string, string>>> {
  const sshd = ['/usr/sbin/sshd', '-f', path, '-h', join(folder, 'host_key')];
  await mustRun([...sshd, '-t']);
  const output = await mustRun([...sshd, '-T', '-C', `user=${user},host=client,addr=192.0.2.1`]);
  return Object.fromEntries(
    output.split('\n').map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]),
  );
}

describe('what bastion init prints, as sshd has it', () => {
  test.each(OPTION_SETS)('%s', async (_name, setup) => {
    const found = await effective(await configFile(setup), setup.user);
    expect(found).toMatchObject(ALWAYS);
    expect(found['ciphers']).toMatch(/^aes128-gcm@openssh.com,aes256-gcm@openssh.com,/);
    expect(found['ciphers']).not.toMatch(/cbc/);
    expect(found['macs']).toBe(
      'umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com',
    );
    expect(found['kexalgorithms']).not.toMatch(/sha1|group14|group-exchange/);
    expect(found['kexalgorithms']).toContain('curve25519-sha256');
    expect(`,${found['hostkeyalgorithms']},`).not.toMatch(/,ssh-rsa,|dss/);
    expect(found['authenticationmethods']).toBe(
      setup.hasSecondFactor ? 'publickey,keyboard-interactive:pam' : 'publickey',
    );
    expect(found['kbdinteractiveauthentication']).toBe(setup.hasSecondFactor ? 'yes' : 'no');
    const hasNames = setup.allowed.some(({ kind }) => kind === 'name');
    if (hasNames) expect(found['permitopen']).toContain('db.internal:5432');
    else if (setup.kind !== 'container') expect(found['permitopen']).toBe('any');
    expect(found['trustedusercakeys'] === 'none').toBe(setup.authorities.length === 0);
  });

  it('keeps the account that changes the keys of a gate to its script', async () => {
    const [, setup] = OPTION_SETS.find(([name]) => name === 'gate')!;
    const path = await configFile(setup);
    expect(await effective(path, 'tunnel')).toMatchObject({
      authorizedkeysfile: 'none',
      authorizedkeyscommand: '/usr/local/sbin/tshuttle-gate-keys --authorized',
      authorizedkeyscommanduser: 'tunnel-keys',
    });
    expect(await effective(path, 'tunnel-keys')).toMatchObject({
      authorizedkeysfile: '/etc/ssh/tshuttle-bastion/management_keys',
      forcecommand: '/usr/local/sbin/tshuttle-gate-keys',
      disableforwarding: 'yes',
      permittty: 'no',
      authenticationmethods: 'publickey',
    });
  });

  it('leaves the shell of whoever administers the machine as it was, but not the password', async () => {
    const [, setup] = OPTION_SETS.find(([name]) => name === 'debian, all')!;
    expect(await effective(await configFile(setup), 'debian')).toMatchObject({
      forcecommand: 'none',
      permittty: 'yes',
      x11forwarding: 'yes',
      passwordauthentication: 'no',
      kbdinteractiveauthentication: 'no',
      authenticationmethods: 'publickey',
      permitrootlogin: 'no',
      authorizedkeysfile: '.ssh/authorized_keys .ssh/authorized_keys2',
    });
  });

  test.each(OPTION_SETS.filter(([, { kind }]) => kind !== 'container'))(
    '%s: a shell can read it',
    async (_name, setup) => {
      const printed = filesOfSetup(setup)[0].text;
      const script = setup.kind === 'cloud-init' ? scriptIn(printed) : printed;
      expect(await runCommand(['sh', '-n'], { stdin: script })).toMatchObject({ code: 0, stderr: '' });
    },
  );
});

describe.skipIf(!existsSync('/usr/bin/fail2ban-regex'))('the filter for fail2ban', () => {
  const [, setup] = OPTION_SETS.find(([name]) => name === 'debian, fail2ban')!;
  const at = (line: string): string => `Nov 30 09:00:00 bastion sshd[4711]: ${line}\n`;

  async function counted(...lines: readonly string[]): Promise<number> {
    const filter = fileInScript(filesOfSetup(setup)[0].text, '/etc/fail2ban/filter.d/tshuttle-bastion.conf');
    const path = join(folder, 'filter.conf');
    // Beside it there is no common.conf.
    await writeFile(
      path,
      filter.replace('before = common.conf', 'before = /etc/fail2ban/filter.d/common.conf'),
    );
    await writeFile(join(folder, 'auth.log'), lines.map(at).join(''));
    const output = await mustRun(['fail2ban-regex', join(folder, 'auth.log'), path]);
    return Number(/Failregex: (\d+) total/.exec(output)?.[1]);
  }

  it('counts a connection of a known user that ends without a login once, however many keys it offered', async () => {
    const key = 'Failed publickey for tunnel from 192.0.2.7 port 4000 ssh2: ED25519 SHA256:aaaa';
    expect(
      await counted(
        key,
        key,
        'Connection closed by authenticating user tunnel 192.0.2.7 port 4000 [preauth]',
      ),
    ).toBe(1);
    expect(
      await counted(
        key,
        'error: maximum authentication attempts exceeded for tunnel from 192.0.2.7 port 4000 ssh2 [preauth]',
        'Disconnecting authenticating user tunnel 192.0.2.7 port 4000: Too many authentication failures [preauth]',
      ),
    ).toBe(1);
    expect(
      await counted('Connection reset by authenticating user tunnel 2001:db8::7 port 4000 [preauth]'),
    ).toBe(1);
  });

  it('counts neither a login, nor its end, nor who only looks at the port', async () => {
    expect(
      await counted(
        'Connection from 192.0.2.7 port 4000 on 198.51.100.1 port 22 rdomain ""',
        'Accepted publickey for tunnel from 192.0.2.7 port 4000 ssh2: ED25519 SHA256:aaaa',
        'Received disconnect from 192.0.2.7 port 4000:11: disconnected by user',
        'Disconnected from user tunnel 192.0.2.7 port 4000',
        'Connection closed by 192.0.2.7 port 4000 [preauth]',
        'Connection closed by 192.0.2.7 port 4000',
      ),
    ).toBe(0);
  });
});

/** The script of user-data, without its indentation. */
function scriptIn(userData: string): string {
  const [, content = ''] = /content: \|\n([\s\S]*?)\nruncmd:/.exec(userData) ?? [];
  return content.replace(/^ {6}/gm, '');
}
