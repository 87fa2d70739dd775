import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseAuthorizedKeys } from '../../../src/bastion/public-keys.ts';
import { setupOf } from '../../support/bastion/option-sets.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { mustRun } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { openPrintedBastion, type PrintedBastion } from '../../support/servers/printed-bastion.ts';
import { codeNow, nextCode, secretFile } from '../../support/servers/second-factor.ts';
import { startTshuttle, stopTshuttle } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── what bastion init printed ── destination, and the credentials of a role
 *  198.51.100.2   198.51.100.1                 10.77.0.2    169.254.169.254
 */

const METADATA = '169.254.169.254';

/** A lab whose bastion reaches an address as that of a cloud's metadata service. */
async function labWithMetadata(): Promise<Lab> {
  const lab = await createLab();
  await lab.destination.ip(`addr add ${METADATA}/32 dev eth0`);
  await lab.bastion.ip(`route add ${METADATA}/32 dev inner0 src ${ADDRESSES.bastionInner4}`);
  return lab;
}

async function userKey(lab: Lab): Promise<string> {
  return await readFile(`${lab.sshd.userKey}.pub`, 'utf8');
}

/** OpenSSH's own client: what the destination answers through the bastion, or what the bastion says. */
async function ask(
  lab: Lab,
  bastion: Pick<PrintedBastion, 'remote' | 'sshOptions'>,
  place: string,
): Promise<string> {
  const [, login = '', port = ''] = /^(.*):(\d+)$/.exec(bastion.remote) ?? [];
  const argv = [
    'ssh',
    '-F',
    'none',
    '-o',
    'BatchMode=yes',
    ...bastion.sshOptions,
    '-p',
    port,
    '-W',
    place,
    login,
  ];
  const { stdout, stderr } = await lab.client.exec(argv, { stdin: '{"do":"whoami"}\n' });
  return stdout + stderr;
}

describe.skipIf(skipLab)('what bastion init prints for a Debian, run there', () => {
  let lab: Lab;

  beforeEach(async () => {
    lab = await labWithMetadata();
    return () => lab[Symbol.asyncDispose]();
  });

  it('lets tunnels connect to what is allowed, and to nothing else; the lab’s own sshd lets them', async () => {
    const askEach = async (
      of: Pick<PrintedBastion, 'remote' | 'sshOptions'>,
      asked: readonly string[],
      answer: RegExp,
    ): Promise<void> => {
      const answers = await Promise.all(asked.map((place) => ask(lab, of, place)));
      for (const [index, place] of asked.entries()) expect(answers[index], place).toMatch(answer);
    };
    const plain = {
      remote: `root@${ADDRESSES.bastion4}:22`,
      sshOptions: ['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`],
    };
    const places = {
      allowed: [
        `${ADDRESSES.destination4}:7000`,
        `${ADDRESSES.otherDestination4}:7001`,
        `[${ADDRESSES.destination6}]:7000`,
      ],
      refused: [
        `${METADATA}:7000`,
        `[::ffff:${METADATA}]:7000`,
        `${ADDRESSES.destination4}:8000`,
        `${ADDRESSES.farDestination4}:7000`,
        `[${ADDRESSES.farDestination6}]:7000`,
      ],
      // Its own sshd listens there.
      own: ['127.0.0.1:22', '0.0.0.0:22', '[::1]:22', `${ADDRESSES.bastionInner4}:22`],
    };
    await askEach(plain, [...places.allowed, ...places.refused], /"peer"/);

    const allow = ['10.77.0.0/24:7000-7001', '[fd77::/64]:7000'];
    const bastion = await openPrintedBastion(lab, setupOf('debian', { allow }, await userKey(lab)));
    await askEach(bastion, places.allowed, /"peer"/);
    await askEach(bastion, [...places.refused, ...places.own], /open failed: connect failed/);
  });

  it('a gate: a key that is added lets in at once, and no more when it is removed', async () => {
    const management = join(lab.directory, 'management');
    await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'manager', '-f', management]);
    const place = `${ADDRESSES.destination4}:7000`;
    const managementKey = (await readFile(`${management}.pub`, 'utf8')).trim();
    const gate = await openPrintedBastion(lab, setupOf('gate', { allow: [place], managementKey }));
    const home = lab.machine.homeOf('root');
    const knownHosts = gate.sshOptions.find((option) => option.startsWith('UserKnownHostsFile='))!;
    await writeFile(join(home, '.ssh', 'config'), `Host *\n  ${knownHosts.replace('=', ' ')}\n`, {
      mode: 0o600,
    });
    const tshuttle = (line: string) =>
      lab.client.exec(['node', 'bin/tshuttle', ...line.split(' ')], {
        env: { HOME: home },
        timeoutMs: 30_000,
      });
    const words = `--management-key ${management} --management-user tunnel-keys`;
    expect(await tshuttle(`gate add cloud -r ${gate.remote} ${words}`)).toMatchObject({ code: 0 });

    expect(await ask(lab, gate, place)).toContain('Permission denied');
    expect(await tshuttle(`gate keys add cloud ${lab.sshd.userKey}.pub`)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(' may log in'),
    });
    expect(await ask(lab, gate, place)).toContain('"peer"');
    expect((await tshuttle('gate keys list cloud')).stdout.trim().split('\n')).toHaveLength(2);

    // Whoever changes keys can do nothing else.
    const manager = {
      remote: gate.remote.replace('tunnel@', 'tunnel-keys@'),
      sshOptions: ['-i', management, '-o', knownHosts],
    };
    expect(await ask(lab, manager, place)).toContain('administratively prohibited');

    expect(await tshuttle(`gate keys remove cloud ${lab.sshd.userKey}.pub`)).toMatchObject({ code: 0 });
    expect(await ask(lab, gate, place)).toContain('Permission denied');
    const refused = await tshuttle(`-r ${gate.remote} -i ${lab.sshd.userKey} -o BatchMode=yes ${place}`);
    expect(refused, refused.stderr).toMatchObject({ code: 77 });
  });

  it('logs each destination, allowed and refused, before the packet goes', async () => {
    const setup = setupOf('debian', { with: ['audit-log'] }, await userKey(lab));
    const bastion = await openPrintedBastion(lab, setup);
    await lab.bastion.must(['nft', '-f', '-'], {
      stdin:
        'table inet traced { chain out { type filter hook output priority -10; tcp flags & (syn|ack) == syn meta nftrace set 1; }; }',
    });
    const trace = lab.bastion.spawn(['nft', 'monitor', 'trace']);
    await until(
      async () => {
        await ask(lab, bastion, `${ADDRESSES.destination4}:7000`);
        await ask(lab, bastion, `${METADATA}:7000`);
        return /refused: "/.test(trace.stdout);
      },
      { deadlineMs: 20_000, what: () => `traces: ${trace.stdout}${trace.stderr}` },
    );
    const rulesFor = (address: string): string => {
      const [, id = 'none'] =
        new RegExp(`^trace id (\\w+) .*ip daddr ${address} `, 'm').exec(trace.stdout) ?? [];
      return trace.stdout
        .split('\n')
        .filter((line) => line.includes(id))
        .join('\n');
    };
    expect(rulesFor(ADDRESSES.destination4)).toMatch(
      /allowed rule log prefix "bastion allowed: " .*flags skuid/,
    );
    expect(rulesFor(METADATA)).toMatch(/refused rule log prefix "bastion refused: " .*flags skuid/);
  });

  it('carries a tunnel of tshuttle’s, and holds the session’s login to a key', async () => {
    const bastion = await openPrintedBastion(lab, setupOf('debian', {}, await userKey(lab)));
    const tshuttle = await startTshuttle(lab, ['10.77.0.0/24'], bastion);
    const bytes = 50_000_000;
    const request = { do: 'download', host: ADDRESSES.destination4, port: 7000, bytes } as const;
    expect(await lab.application(request)).toMatchObject({ exact: true, received: bytes });
    await stopTshuttle(lab, tshuttle);
    expect(bastion.log()).toContain('Accepted publickey for tunnel');
  });

  it('asks for a code and for no password, and lets nobody in without a secret', async () => {
    const setup = setupOf('debian', { with: ['totp'] }, await userKey(lab));
    const bastion = await openPrintedBastion(lab, setup);
    const askpass = `${lab.directory}/askpass`;
    const questions = `${lab.directory}/questions`;
    await writeFile(askpass, `#!/bin/sh\nprintf '%s\\n' "$1" >>${questions}\ncat ${lab.directory}/code\n`, {
      mode: 0o755,
    });
    await writeFile(`${lab.directory}/code`, codeNow());
    const login = async (): Promise<string> => {
      const argv = ['ssh', '-F', 'none', '-o', 'NumberOfPasswordPrompts=1', ...bastion.sshOptions];
      const env = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
      const place = `${ADDRESSES.destination4}:7000`;
      const { stdout, stderr } = await lab.client.exec(
        [...argv, '-W', place, `${setup.user}@${ADDRESSES.bastion4}`],
        { env, stdin: '{"do":"whoami"}\n' },
      );
      return stdout + stderr;
    };
    expect(await login()).toContain('Permission denied (keyboard-interactive)');
    await writeFile(bastion.file('/var/lib/tshuttle-bastion/totp/tunnel'), secretFile(), { mode: 0o400 });
    await writeFile(`${lab.directory}/code`, nextCode());
    expect(await login()).toContain('"peer"');
    expect(await readFile(questions, 'utf8')).toMatch(/^(.*Verification code: ?\n)+$/);
    expect(await login()).toContain('Permission denied');
  });
});

describe.skipIf(skipLab)('what bastion init prints for certificates', () => {
  it('lets in who has one for the account that is valid, and nobody else; the bastion shows one of its own', async () => {
    await using lab = await createLab();
    const at = (name: string): string => join(lab.directory, name);
    const keygen = (...words: readonly string[]): Promise<string> => mustRun(['ssh-keygen', '-q', ...words]);
    for (const name of ['user_ca', 'host_ca', 'other_ca', 'id']) {
      await keygen('-t', 'ed25519', '-N', '', '-C', name, '-f', at(name));
    }
    const authorities = parseAuthorizedKeys(await readFile(at('user_ca.pub'), 'utf8'));
    if (authorities.kind !== 'keys') throw new Error(authorities.what);
    const setup = { ...setupOf('debian'), keys: [], authorities: authorities.lines };
    const bastion = await openPrintedBastion(lab, setup);

    const hostKey = bastion.file('/etc/ssh/ssh_host_ed25519_key.pub');
    await keygen('-s', at('host_ca'), '-I', 'bastion', '-h', '-n', ADDRESSES.bastion4, '-V', '+52w', hostKey);
    const line = 'HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\n';
    await writeFile(bastion.file('/etc/ssh/sshd_config.d/10-host-certificate.conf'), line);
    await bastion.reload();
    const knownHosts = at('known_hosts_of_authorities');
    await writeFile(
      knownHosts,
      `@cert-authority ${ADDRESSES.bastion4} ${await readFile(at('host_ca.pub'), 'utf8')}`,
    );
    const sshOptions = ['-i', at('id'), '-o', `UserKnownHostsFile=${knownHosts}`];
    const place = `${ADDRESSES.destination4}:7000`;
    const login = () => ask(lab, { remote: bastion.remote, sshOptions }, place);
    const sign = (authority: string, principal: string, validity: string) => {
      const options = ['-O', 'clear', '-O', 'permit-port-forwarding'];
      return keygen(
        '-s',
        at(authority),
        '-I',
        'alice',
        '-n',
        principal,
        '-V',
        validity,
        ...options,
        at('id.pub'),
      );
    };

    expect(await login()).toContain('Permission denied (publickey)');
    for (const [authority, principal, validity] of [
      ['user_ca', BASTION_USER.name, '+1d'],
      ['user_ca', setup.user, '-2d:-1d'],
      ['other_ca', setup.user, '+1d'],
    ] as const) {
      await sign(authority, principal, validity);
      expect(await login(), `${authority} ${principal} ${validity}`).toContain(
        'Permission denied (publickey)',
      );
    }
    await sign('user_ca', setup.user, '+1d');
    expect(await login()).toContain('"peer"');
    const tshuttle = await startTshuttle(lab, ['10.77.0.0/24'], { remote: bastion.remote, sshOptions });
    await stopTshuttle(lab, tshuttle);
    expect(bastion.log()).toMatch(/Accepted publickey for tunnel .* ED25519-CERT .* ID alice/);
  });
});

describe.skipIf(skipLab)(
  'what bastion init prints for a container, run without rights on a read-only root',
  () => {
    it('carries 50 MB, and names destinations in its log; its credentials are refused', async () => {
      await using lab = await labWithMetadata();
      const choices = {
        allow: [`${ADDRESSES.destination4}:7000`, '10.77.0.0/24:7001'],
        with: ['audit-log'],
      } as const;
      const bastion = await openPrintedBastion(lab, setupOf('container', choices, await userKey(lab)));
      const tshuttle = await startTshuttle(lab, ['10.77.0.0/24'], bastion);
      const bytes = 50_000_000;
      const request = { do: 'download', host: ADDRESSES.destination4, port: 7000, bytes } as const;
      expect(await lab.application(request)).toMatchObject({ exact: true, received: bytes });
      await stopTshuttle(lab, tshuttle);
      expect(bastion.log()).toMatch(/target 10\.77\.0\.2 port 7000/);
      expect(await ask(lab, bastion, `${ADDRESSES.otherDestination4}:7001`)).toContain('"peer"');
      for (const place of [
        `${METADATA}:7000`,
        `${METADATA}:80`,
        '127.0.0.1:2222',
        `${ADDRESSES.otherDestination4}:7000`,
      ]) {
        expect(await ask(lab, bastion, place), place).toMatch(/administratively prohibited/);
      }
    });
  },
);
