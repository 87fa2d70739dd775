import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab, type LabOptions } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { CommandResult } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { MAX_RETRY, openJumpbox } from '../../support/servers/jumpbox.ts';
import { enrol, KEY_AND_CODE } from '../../support/servers/second-factor.ts';
import { makeKeys, startAgent } from '../../support/servers/ssh-agent.ts';
import {
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  type TshuttleOptions,
  tshuttleArgv,
  untilSaid,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination         what goes wrong in the first hour; tshuttle and its doctor say the same
 *  198.51.100.2   198.51.100.1                   10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const DESTINATION = '10.77.0.2:7000';
/** Where Debian has the shared libraries of this architecture. */
const LIBRARIES = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

/** A tshuttle that ends by itself, and the doctor, each asked for the same. */
async function both(lab: Lab, options: TshuttleOptions, args: readonly string[] = []) {
  const [run, doctor] = await Promise.all([
    runTshuttle(lab, [SUBNET, ...args], options),
    examine(lab, options, args),
  ]);
  return { run, doctor };
}

/**
 * A command line in a machine where nothing of nftables and iptables is installed: neither for the user, nor for root.
 * The mounts are in the command's own mount namespace, and go with it.
 */
const WITHOUT_NFT = [
  ...['unshare', '--mount'],
  'sh',
  '-euc',
  `mount -t tmpfs none /mnt
  for folder in /usr/sbin "$1"; do
    mkdir -p "/mnt/upper$folder" "/mnt/work$folder"
    mount -t overlay overlay -o "lowerdir=$folder,upperdir=/mnt/upper$folder,workdir=/mnt/work$folder" "$folder"
  done
  rm -f /usr/sbin/nft /usr/sbin/*tables* "$1"/libnftables.so*
  shift
  exec "$@"`,
  'without-nft',
  LIBRARIES,
];

async function examine(
  lab: Lab,
  options: TshuttleOptions,
  args: readonly string[] = [],
): Promise<CommandResult> {
  return await runTshuttle(lab, [...args, 'doctor', DESTINATION], options);
}

/** The problems that the doctor names, each in one line. */
function problems({ stdout }: CommandResult): readonly string[] {
  const text = stdout.replace(/\n {9}(?!->)\s*/g, ' ').replace(/\n\s+->\s*/g, ' -> ');
  return text.split('\n').filter((line) => line.startsWith('PROBLEM'));
}

/** The one line that a start ends with which goes wrong. */
function fatalLine({ stderr }: CommandResult): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('tshuttle: '));
  expect(lines, stderr).toEqual([expect.stringMatching(/ -> /)]);
  return lines[0]!;
}

interface WrongStart {
  readonly what: string;
  readonly code: number;
  readonly cause: RegExp;
  readonly remedy: RegExp;
  readonly lab?: LabOptions;
  readonly prepare?: (lab: Lab) => Promise<void>;
  readonly options?: (lab: Lab) => TshuttleOptions;
  readonly args?: readonly string[];
}

const knownHosts = (lab: Lab) => ['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];

const WRONG_STARTS: readonly WrongStart[] = [
  {
    what: 'no sudo rights',
    code: 77,
    cause: /sudo/,
    remedy: /sudoers|administrator/,
    options: () => ({ user: BASTION_USER.name, sshOptions: [] }),
  },
  {
    what: 'a wrong key',
    code: 77,
    cause: /198\.51\.100\.1.*(refused|accepts|none|denied)/i,
    remedy: /-i/,
    options: (lab) => ({ sshOptions: ['-i', lab.sshd.strangerKey, ...knownHosts(lab)] }),
  },
  {
    what: 'a code that is needed, and no terminal to ask on',
    code: 77,
    cause: /keyboard-interactive|code|second/i,
    remedy: /terminal|SSH_ASKPASS/,
    lab: { sshd: KEY_AND_CODE },
    prepare: enrol,
    options: (lab) => ({
      remote: `${BASTION_USER.name}@${ADDRESSES.bastion4}`,
      sshOptions: ['-i', lab.sshd.userKey, ...knownHosts(lab)],
    }),
  },
  {
    what: 'a changed host key',
    code: 76,
    cause: /changed|differ/i,
    remedy: /ssh-keygen -R|fingerprint/,
    prepare: async (lab) => {
      await lab.sshd.renewHostKey('keep');
      await lab.sshd.restart();
    },
  },
  {
    what: 'a dead name',
    code: 68,
    cause: /nowhere\.invalid/,
    remedy: /spelling|address/,
    options: () => ({ remote: 'root@nowhere.invalid' }),
  },
  {
    what: 'sshd down, or an address banned',
    code: 68,
    cause: /refused, and it answered before/,
    remedy: /banned this address: wait 10 minutes/,
    prepare: async (lab) => await lab.sshd.stop(),
  },
];

describe.skipIf(skipLab)('a wrong start', () => {
  it.each(WRONG_STARTS)(
    'with $what: its cause and its remedy, and the doctor says the same',
    async (start) => {
      await using lab = await createLab(start.lab ?? {});
      await start.prepare?.(lab);
      const { run, doctor } = await both(lab, start.options?.(lab) ?? {}, start.args);
      expect(run, run.stderr).toMatchObject({ code: start.code });
      const told = fatalLine(run);
      expect(told).toMatch(start.cause);
      expect(told).toMatch(start.remedy);
      expect(doctor, doctor.stdout + doctor.stderr).toMatchObject({ code: 1 });
      const found = problems(doctor).find((line) => start.cause.test(line));
      expect(found, doctor.stdout).toMatch(start.remedy);
    },
  );

  it('with eight keys in the agent and no hint: name the key', async () => {
    await using lab = await createLab();
    await using agent = await startAgent(join(lab.directory, 'agent.sock'), await makeKeys(lab, 8));
    const options = { env: { SSH_AUTH_SOCK: agent.socket }, sshOptions: knownHosts(lab) };
    const { run, doctor } = await both(lab, options);
    expect(run, run.stderr).toMatchObject({ code: 77 });
    expect(fatalLine(run)).toMatch(/-> .*-i/);
    expect(problems(doctor).join()).toMatch(/-> .*-i/);
  });

  it('with no nft and no iptables on the machine: which package has it', async () => {
    await using lab = await createLab();
    const says = /neither nft nor iptables is installed.*install nftables: apt install nftables/;
    const commands = [[SUBNET], ['--method', 'nft', SUBNET], ['doctor', DESTINATION]];
    const [auto, nft, doctor] = await Promise.all(
      commands.map((args) => lab.client.exec([...WITHOUT_NFT, ...tshuttleArgv(lab, args)])),
    );
    expect(auto, auto?.stderr).toMatchObject({ code: 69, stdout: '', stderr: expect.stringMatching(says) });
    expect(nft).toMatchObject({ code: 69, stderr: expect.stringMatching(/nft is not installed/) });
    expect(doctor, doctor?.stderr).toMatchObject({ code: 1 });
    expect(problems(doctor!)).toEqual([expect.stringMatching(says)]);
  });

  it('banned by fail2ban, which refuses, prohibits or drops: it answered before, and does again', async () => {
    await using lab = await createLab();
    const jumpbox = await openJumpbox(lab);
    const options = { remote: `${BASTION_USER.name}@${ADDRESSES.bastion4}` };
    const args = ['-o', 'ConnectTimeout=2'];
    await stopTshuttle(lab, await startTshuttle(lab, [SUBNET], options));
    for (const { blocktype, cause } of [
      { blocktype: 'REJECT', cause: /connection refused, and it answered before/ },
      {
        blocktype: 'REJECT --reject-with icmp-host-prohibited',
        cause: /no route to host, and it answered before/,
      },
      { blocktype: 'DROP', cause: /no answer within 2 s, and it answered before/ },
    ] as const) {
      await jumpbox.setBlocktype(blocktype);
      const before = (await jumpbox.banned()).length;
      const misspelt = { remote: `engineeer@${ADDRESSES.bastion4}` };
      const guesses = Array.from({ length: MAX_RETRY }, () => runTshuttle(lab, [SUBNET], misspelt));
      // The ban may come while the last of them are still logging in.
      expect((await Promise.all(guesses)).map(({ code }) => code)).toContain(77);
      await until(
        // fail2ban logs the ban before it sets the rule.
        async () =>
          (await jumpbox.banned()).length > before && (await lab.bastion.rules()).includes(ADDRESSES.client4),
        { deadlineMs: 30_000, what: 'a user that is not there is banned' },
      );
      const { run, doctor } = await both(lab, options, args);
      expect(run, run.stderr).toMatchObject({ code: 68 });
      expect(fatalLine(run)).toMatch(cause);
      expect(fatalLine(run)).toMatch(/-> .*fail2ban there has banned this address: .*wait 10 minutes/);
      expect(doctor, doctor.stdout).toMatchObject({ code: 1 });
      expect(problems(doctor)).toEqual([expect.stringMatching(cause)]);
      expect(problems(doctor)[0]).toMatch(/-> .*fail2ban there has banned this address: .*wait 10 minutes/);
      await jumpbox.unban(ADDRESSES.client4);
    }
    await stopTshuttle(lab, await startTshuttle(lab, [SUBNET], options));
  });
});

describe.skipIf(skipLab)('a bastion that prohibits forwarding', () => {
  it.each<{ what: string; lab?: LabOptions; key?: string; permitted?: string; says: RegExp }>([
    {
      what: 'PermitOpen',
      lab: { sshd: ['PermitOpen 10.77.0.3:7000 localhost:22'] },
      permitted: '10.77.0.3',
      says: /permits some destinations only.*ask for 10\.77\.0\.2:7000 in PermitOpen/,
    },
    {
      what: 'AllowTcpForwarding no',
      lab: { sshd: ['AllowTcpForwarding no'] },
      says: /does not tell which.*AllowTcpForwarding yes.*PermitOpen, 10\.77\.0\.2:7000/,
    },
    {
      what: 'DisableForwarding yes',
      lab: { sshd: ['DisableForwarding yes'] },
      says: /does not tell which.*no DisableForwarding.*PermitOpen, 10\.77\.0\.2:7000/,
    },
    {
      what: 'no-port-forwarding of the key',
      key: 'no-port-forwarding',
      says: /options of your key do not allow it \(.*authorized_keys:1\).*no-port-forwarding to be removed/,
    },
    {
      what: 'permitopen of the key',
      key: 'permitopen="10.77.0.3:7000"',
      says: /your key has permitopen \(.*authorized_keys:1\).*ask for permitopen="10\.77\.0\.2:7000" there/,
    },
  ])('with $what: what to ask the administrator for', async ({ lab: options = {}, key, permitted, says }) => {
    await using lab = await createLab(options);
    if (key !== undefined) {
      const file = join(lab.directory, 'authorized_keys');
      await writeFile(file, (await readFile(file, 'utf8')).replace(/^/gm, `${key} `));
    }
    const [doctor, tshuttle] = await Promise.all([examine(lab, {}), startTshuttle(lab, [SUBNET])]);
    expect(doctor, doctor.stdout + doctor.stderr).toMatchObject({ code: 1 });
    expect(problems(doctor)).toEqual([expect.stringMatching(says)]);
    for (const host of [...(permitted === undefined ? [] : [permitted]), '10.77.0.2', '10.77.0.2']) {
      const result = await lab.application({ do: 'whoami', host, port: 7000 });
      if (host === permitted) expect(result).toHaveProperty('peer');
      else expect(result).toHaveProperty('error');
    }
    await untilSaid(tshuttle, '10.77.0.2:7000');
    await stopTshuttle(lab, tshuttle);
    const lines = tshuttle.stderr.trim().split('\n');
    const told = lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
    expect(told.filter((line) => line.includes('10.77.0.2:7000'))).toEqual([expect.stringMatching(says)]);
  });
});

describe.skipIf(skipLab)('a network that this machine is in itself', () => {
  it('is told by both, with how to leave it out', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['198.51.100.0/24', SUBNET]);
    await untilSaid(tshuttle, '198.51.100.0/24 is the local network on up0; excludes can leave it out');
    await stopTshuttle(lab, tshuttle);
    const doctor = await runTshuttle(lab, ['doctor', '198.51.100.0/24', DESTINATION]);
    expect(doctor, doctor.stdout + doctor.stderr).toMatchObject({ code: 1 });
    expect(problems(doctor)).toEqual([
      expect.stringMatching(/is the local network on up0.* -> leave it out with -x/),
    ]);
  });
});

describe.skipIf(skipLab)('a start that is right', () => {
  it('has nothing wrong, and a destination that is not there is told', async () => {
    await using lab = await createLab();
    const well = await examine(lab, {});
    expect(well, well.stdout + well.stderr).toMatchObject({ code: 0 });
    expect(well.stdout).toMatch(/ok +destination: 10\.77\.0\.2:7000: the bastion connects to it/);
    expect(well.stdout).toMatch(/nothing is wrong\n$/);

    const result = await runTshuttle(lab, ['doctor', '10.77.0.2:1', '10.77.0.2:7000', '--json']);
    expect(result, result.stderr).toMatchObject({ code: 1 });
    const { problems: count, findings } = JSON.parse(result.stdout) as {
      problems: number;
      findings: ReadonlyArray<{ status: string; what: string; remedy: string | null }>;
    };
    expect(count).toBe(1);
    const found = findings.filter(({ status }) => status === 'problem');
    expect(found).toMatchObject([{ what: '10.77.0.2:1: Connection refused, says the bastion' }]);
  });

  it('without a bastion, only the machine is looked at', async () => {
    await using lab = await createLab();
    const result = await lab.client.exec(['node', 'bin/tshuttle', 'doctor']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/redirect: the kernel takes redirect rules by nft/);
    expect(result.stdout).not.toMatch(/^\S+ +bastion/m);
    expect(result.stdout).toMatch(/^nothing is wrong with this machine; no bastion was named: /m);
  });
});
