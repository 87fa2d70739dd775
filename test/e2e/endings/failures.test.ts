import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  type TshuttleOptions,
} from '../../support/tshuttle/tshuttle.ts';

/** Bans like fail2ban with blocktype DROP, in the middle of a handshake: behind the versions nothing gets through any more. */
const BANNING_SSHD = `
  const { execFileSync } = require('node:child_process');
  const nft = (text) => execFileSync('nft', [text]);
  require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      nft('add table ip ban; add chain ip ban in { type filter hook input priority 0; }; add rule ip ban in tcp dport 2223 drop');
      socket.write('SSH-2.0-OpenSSH_9.2\\r\\n');
    });
  }).listen(2223, () => console.log('ready'));`;

/*
 *  client ──ssh── bastion ── destination         what a user does wrong, and what may be wrong with the bastion
 *  198.51.100.2   198.51.100.1                   10.77.0.2
 */

const SUBNET = '10.77.0.0/24';

interface Failure {
  readonly what: string;
  readonly code: number;
  readonly says: RegExp;
  readonly args?: readonly string[];
  readonly options?: (lab: Lab) => TshuttleOptions;
  readonly prepare?: (lab: Lab) => Promise<void>;
  /** Where its end must not be waited for as long as an answer. */
  readonly withinMs?: number;
}

const failures: readonly Failure[] = [
  { what: 'no subnet', code: 64, says: /SUBNET.*is missing/, args: [] },
  { what: 'a bad subnet', code: 64, says: /10\.77\.0\.0\/33/, args: ['10.77.0.0/33'] },
  { what: 'a bad port range', code: 64, says: /9000-8000/, args: ['10.77.0.0/24:9000-8000'] },
  { what: 'an unknown option', code: 64, says: /--no-such-option/, args: ['--no-such-option', SUBNET] },
  {
    what: 'a key that the bastion refuses',
    code: 77,
    says: /198\.51\.100\.1/,
    options: (lab) => ({
      sshOptions: ['-i', lab.sshd.strangerKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`],
    }),
  },
  {
    what: 'a bastion that cannot be reached',
    code: 68,
    says: /198\.51\.100\.99/,
    options: () => ({ remote: 'root@198.51.100.99' }),
  },
  {
    what: 'a bastion that does not resolve',
    code: 68,
    says: /nowhere\.invalid/,
    options: () => ({ remote: 'root@nowhere.invalid' }),
  },
  {
    what: 'a closed port',
    code: 68,
    says: /198\.51\.100\.1:2222/,
    options: () => ({ remote: 'root@198.51.100.1:2222' }),
  },
  {
    what: 'a ban in the middle of the handshake',
    code: 68,
    says: /failed: it acknowledges nothing any more -> .*fail2ban there has banned this address just now: wait 10 min/,
    options: () => ({ remote: 'root@198.51.100.1:2223' }),
    prepare: async (lab) => void (await lab.bastion.spawn(['node', '-e', BANNING_SSHD]).untilOutput(/ready/)),
    withinMs: 12_000,
  },
  {
    what: 'a path that loses packets of full size',
    code: 68,
    says: /failed: it acknowledges nothing any more -> .*packets of full size may be lost on the way \(lower the MTU: /,
    prepare: async (lab) => {
      const chain = (hook: string) =>
        `chain ${hook} { type filter hook ${hook} priority 0; meta length > 700 tcp dport 22 drop; meta length > 700 tcp sport 22 drop; };`;
      await lab.bastion.must(['nft', `table inet lossy { ${chain('input')} ${chain('output')} }`]);
    },
    withinMs: 12_000,
  },
  {
    what: 'a changed host key',
    code: 76,
    says: /changed|differ/i,
    prepare: async (lab) => {
      await lab.sshd.renewHostKey('keep');
      await lab.sshd.restart();
    },
  },
  {
    what: 'an unknown host key, and no terminal to ask on',
    code: 76,
    says: /known_hosts|unknown|not known/i,
    prepare: async (lab) => await writeFile(lab.sshd.knownHosts, ''),
  },
  {
    what: 'the same with the bastion inside 0/0',
    code: 76,
    says: /known_hosts|unknown|not known/i,
    args: ['0/0'],
    prepare: async (lab) => await writeFile(lab.sshd.knownHosts, ''),
  },
  {
    what: 'a user whom sudo refuses',
    code: 77,
    says: /sudo/,
    options: () => ({ user: BASTION_USER.name, sshOptions: [] }),
  },
  {
    what: 'a key file that is not there',
    code: 78,
    says: /no-such-key/,
    options: () => ({ sshOptions: ['-i', '/no-such-key'] }),
  },
];

describe.skipIf(skipLab)('one clear message, the right exit code and nothing left behind', () => {
  it.each(failures)(
    'after $what: $code',
    async ({ code, says, args, options, prepare, withinMs = 60_000 }) => {
      await using lab = await createLab();
      await prepare?.(lab);
      const startedMs = performance.now();
      const result = await runTshuttle(lab, args ?? [SUBNET], options?.(lab));
      expect(performance.now() - startedMs).toBeLessThan(withinMs);
      const shown = `${result.stdout}\n${result.stderr}`;
      expect(result.code, shown).toBe(code);
      expect(result.stderr).toMatch(says);
      expect(shown).not.toMatch(/\n\s+at .*:\d+|undefined|\[object/);
      const lines = result.stderr.split('\n').filter((line) => line.trim() !== '');
      expect(lines.length, result.stderr).toBeLessThanOrEqual(4);
      // What fails is one line with its remedy; what is wrong in the input is a line for each, and where help is.
      const said = lines.filter((line) => says.test(line));
      expect(said, result.stderr).toHaveLength(1);
      if (code !== 64 && code !== 78) expect(said[0]).toMatch(/^tshuttle: .+ -> .+/);
      await expectNothingLeft(lab);
    },
  );
});

describe.skipIf(skipLab)('a destination', () => {
  it('that refuses ends in a reset within 1 s, and the others go on', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET, 'fd77::/64']);
    for (const host of [ADDRESSES.destination4, ADDRESSES.destination6]) {
      const refused = await lab.application({ do: 'whoami', host, port: 7999 });
      expect(refused).toMatchObject({ error: 'ECONNRESET' });
      expect(refused.afterMs).toBeLessThan(1_000);
      expect(await lab.application({ do: 'whoami', host, port: 7000 })).toMatchObject({ local: host });
    }
    await stopTshuttle(lab, tshuttle);
  });

  it('without any route is named at the start', async () => {
    await using lab = await createLab();
    await lab.client.ip('route del default');
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    expect(tshuttle.stdout + tshuttle.stderr).toMatch(/route/);
    expect(tshuttle.stdout + tshuttle.stderr).toContain('10.77.0.0/24');
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('a file of subnets', () => {
  it('that is wrong is shown with its line', async () => {
    await using lab = await createLab();
    const file = join(lab.directory, 'subnets');
    await writeFile(file, '10.77.0.0/24\nten.0.0.0/99\n');
    const result = await runTshuttle(lab, ['-s', file]);
    expect([64, 78]).toContain(result.code);
    expect(result.stderr).toContain(`${file}:2`);
    await expectNothingLeft(lab);
  });
});
