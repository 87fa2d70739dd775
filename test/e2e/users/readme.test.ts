import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ONCE_IF_LONG } from '../../support/lab/long.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { type Child, mustRun } from '../../support/process/child.ts';
import { prepareReader, type Reader, type Substitutes } from '../../support/readme/reader.ts';
import { documentedCommands, readmeBlocks, readmeCommands } from '../../support/readme/readme-blocks.ts';
import { startDnsmasq } from '../../support/servers/dnsmasq.ts';
import { expectNothingLeft, READY, tshuttleProcesses } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: a shell that runs what README says ── bastion ── destination
 */

/** What in README stands for something of the reader's own, and what it is in the lab. */
const SUBSTITUTES: Substitutes = [
  ['me@', 'root@'],
  [':6443', `:${HTTP_PORT}`],
  [':443', ':8000'],
  [':5432', ':7001'],
  // Done on a clean clone in the long form.
  ['npm ci && ', ''],
];

/** Where connections must arrive while the command runs, and where they must not. */
interface Carries {
  readonly kind: 'carries' | 'daemon';
  readonly reached: ReadonlyArray<readonly [host: string, port: number]>;
  readonly unreached: ReadonlyArray<readonly [host: string, port: number]>;
}

/** What a command of README must do. */
type Expectation =
  | Carries
  | { readonly kind: 'proxies'; readonly urls: readonly string[] }
  | { readonly kind: 'ends'; readonly says: RegExp };

const { destination4, otherDestination4, farDestination4, destination6 } = ADDRESSES;
const NETWORK: Carries = {
  kind: 'carries',
  reached: [[farDestination4, 7000]],
  unreached: [[destination6, 7000]],
};

/** Every command that is executed, as README or a page of help has it. */
const EXPECTED: Readonly<Record<string, Expectation>> = {
  'npm ci && npm run demo': { kind: 'ends', says: /48 MiB in .* SHA-256 as it should be/ },
  'tshuttle -r me@bastion.example.com 10.0.0.0/8': NETWORK,
  'tshuttle -r bastion 10.0.0.0/8:443 db.example.com:5432': {
    kind: 'carries',
    reached: [
      [otherDestination4, 8000],
      ['db.example.com', 7001],
    ],
    unreached: [[destination4, 7000]],
  },
  'tshuttle -r bastion 0/0 ::/0 -x 192.168.0.0/16': {
    kind: 'carries',
    reached: [
      [destination4, 7000],
      [destination6, 7000],
    ],
    unreached: [],
  },
  'tshuttle -r db-gate -J me@gate.example.com 10.0.0.0/8': NETWORK,
  'tshuttle -D -r bastion -s networks.txt -X never.txt': {
    kind: 'daemon',
    reached: [[destination4, 7000]],
    unreached: [[otherDestination4, 7000]],
  },
  'tshuttle -r bastion --domain internal.example': {
    kind: 'carries',
    reached: [['db.internal.example', 7000]],
    unreached: [[destination4, 7000]],
  },
  'tshuttle -r bastion --socks 1080 --http-proxy 8080': {
    kind: 'proxies',
    urls: ['socks5h://127.0.0.1:1080', 'http://127.0.0.1:8080'],
  },
  'tshuttle run -r bastion --probe api.cluster.example:6443 api.cluster.example:6443 -- kubectl get nodes': {
    kind: 'ends',
    says: /10\.77\.0\.1 asked for \/get\/nodes/,
  },
  'echo "-r bastion 10.0.0.0/8 -x 10.9.0.0/16" > office.conf': { kind: 'ends', says: /^$/ },
  'tshuttle @office.conf': NETWORK,
  'tshuttle -r me@bastion.example.com -x 10.9.0.0/16 10.0.0.0/8': NETWORK,
  'tshuttle -r bastion --dry-run 10.0.0.0/8': { kind: 'ends', says: /10\.0\.0\.0\/8/ },
};

const BLOCKS = readmeBlocks();
const textsOf = (language: string): readonly string[] =>
  BLOCKS.filter((block) => block.language === language && block.notExecuted === undefined).map(
    ({ text }) => text,
  );

/** How blocks of a language are followed; blocks of any other have to say why not. */
const FOLLOWED = {
  sh: 'each command is executed: here, or where a test says readmeCommand(...)',
  yaml: 'is the configuration of the profiles that go up here',
  sudoers: 'is what `tshuttle sudoers` prints here',
} as const;

/** The commands that other tests execute, as they have them. */
function executedElsewhere(): readonly string[] {
  const folder = new URL('..', import.meta.url);
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  );
  return sources.flatMap((name) =>
    [...readFileSync(new URL(name, folder), 'utf8').matchAll(/readmeCommand\(\s*(['"`])(.+?)\1,?\s*\)/g)].map(
      ([, , command = '']) => command,
    ),
  );
}

describe.skipIf(skipLab)('README, followed to the letter', () => {
  let lab: Lab;
  let reader: Reader;

  beforeAll(async () => {
    lab = await createLab();
    reader = await prepareReader(lab);
    const { folder, bin } = reader;
    const configFolder = join(lab.machine.homeOf('root'), '.config', 'tshuttle');
    await mkdir(configFolder, { recursive: true });
    // In place of the real one: connects where that would.
    const kubectl = `#!/bin/sh\nexec curl -sS --fail http://api.cluster.example:${HTTP_PORT}/$1/$2\n`;
    await writeFile(join(bin, 'kubectl'), kubectl, { mode: 0o755 });
    await appendFile(
      join(lab.directory, 'etc', 'hosts'),
      `${destination4} db.example.com api.cluster.example\n`,
    );
    await writeFile(join(folder, 'networks.txt'), '10.77.0.0/24\n');
    await writeFile(join(folder, 'never.txt'), `${otherDestination4}\n`);
    const profiles = textsOf('yaml').map(inTheLab).join('\n');
    await writeFile(join(configFolder, 'config.yaml'), profiles, { mode: 0o600 });
    const names = [`${destination4} db.internal.example`];
    await startDnsmasq(lab, lab.bastion, { name: 'inner', listenAddress: '127.0.0.1', hosts: names });
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const inTheLab = (text: string): string =>
    SUBSTITUTES.reduce((result, [from, to]) => result.replaceAll(from, to), text);

  /** A command of README, as typed into a shell of the reader's; npm's are typed in the repository. */
  const typed = (command: string): readonly string[] =>
    reader.typed(
      command.startsWith('npm ') ? `cd ${lab.machine.repository}; exec ${command}` : `exec ${command}`,
      SUBSTITUTES,
    );

  const isReached = async (host: string, port: number, timeoutMs: number): Promise<boolean> =>
    (await lab.application({ do: 'whoami', host, port, timeoutMs })).error === undefined;

  const expectCarried = async ({ reached, unreached }: Carries): Promise<void> => {
    for (const [host, port] of reached)
      expect(await isReached(host, port, 10_000), `${host}:${port}`).toBe(true);
    for (const [host, port] of unreached)
      expect(await isReached(host, port, 500), `${host}:${port}`).toBe(false);
  };

  const stop = async (tshuttle: Child): Promise<void> => {
    tshuttle.kill('SIGTERM');
    const result = await tshuttle.exited;
    expect(result, result.stderr).toMatchObject({ code: 0 });
  };

  const elsewhere = executedElsewhere();
  const here = [...new Set([...readmeCommands(), ...Object.keys(EXPECTED)])];
  it.each(here.filter((command) => !elsewhere.includes(command)))('%s', async (command) => {
    const expected = EXPECTED[command];
    if (expected === undefined) {
      throw new Error(
        `README has '${command}': say here what it must do, or mark its block "not executed: WHY"`,
      );
    }
    switch (expected.kind) {
      case 'ends': {
        const result = await lab.client.exec(typed(command));
        expect(result, result.stderr).toMatchObject({ code: 0 });
        expect(result.stdout).toMatch(expected.says);
        break;
      }
      case 'daemon': {
        const result = await lab.client.exec(typed(command));
        expect(result, result.stderr).toMatchObject({ code: 0 });
        await expectCarried(expected);
        process.kill((await tshuttleProcesses(lab)).main, 'SIGTERM');
        break;
      }
      case 'carries': {
        const tshuttle = lab.client.spawn(typed(command));
        await tshuttle.untilOutput(READY, 30_000);
        await expectCarried(expected);
        await stop(tshuttle);
        break;
      }
      case 'proxies': {
        const tshuttle = lab.client.spawn(typed(command));
        await tshuttle.untilOutput(/^tshuttle: .*:8080/m, 30_000);
        for (const proxy of expected.urls) {
          const url = `http://db.internal.example:${HTTP_PORT}/`;
          const status = ['-o', '/dev/null', '-w', '%{http_code}'];
          expect(await lab.client.must(['curl', '-sS', ...status, '--proxy', proxy, url])).toBe('200');
        }
        await stop(tshuttle);
        break;
      }
    }
    await expectNothingLeft(lab);
  });

  it('its line for sudo is what tshuttle prints', async () => {
    const printed = await lab.client.must(['node', 'bin/tshuttle', 'sudoers'], {
      user: ORDINARY_USER.name,
    });
    expect(textsOf('sudoers').length).toBeGreaterThan(0);
    for (const text of textsOf('sudoers')) expect(printed.split('\n')).toContain(text);
  });

  it('its profile goes up, carries and goes down', async () => {
    const up = await lab.client.exec(typed('tshuttle up office'));
    expect(up, up.stderr).toMatchObject({ code: 0 });
    await expectCarried(NETWORK);
    const down = await lab.client.exec(typed('tshuttle down office'));
    expect(down, down.stderr).toMatchObject({ code: 0 });
    await expectNothingLeft(lab);
  });

  it.each(ONCE_IF_LONG)(
    'npm ci && npm run demo, on a clean clone of what is committed',
    async () => {
      const clone = mkdtempSync(join(tmpdir(), 'tshuttle-clone-'));
      try {
        await mustRun(['git', 'clone', '--quiet', '.', clone]);
        const argv = ['bash', '-c', `cd ${clone} && npm ci && npm run demo`];
        expect(await mustRun(argv, { timeoutMs: 500_000 })).toMatch(/SHA-256 as it should be/);
      } finally {
        rmSync(clone, { recursive: true, force: true });
      }
    },
    600_000,
  );
});

describe('README', () => {
  it('has, or help has, every command that a test promises something of', () => {
    const promised = [...Object.keys(EXPECTED), ...executedElsewhere()];
    expect(documentedCommands()).toEqual(expect.arrayContaining(promised));
  });

  it('has no block that nobody follows and that does not say why', () => {
    const unknown = BLOCKS.filter(
      ({ language, notExecuted }) => notExecuted === undefined && !Object.hasOwn(FOLLOWED, language),
    );
    expect(unknown).toEqual([]);
    for (const language of Object.keys(FOLLOWED)) expect(textsOf(language), language).not.toEqual([]);
  });

  it('says "not executed" of a picture, and of nothing else', () => {
    expect(BLOCKS.flatMap(({ notExecuted }) => notExecuted ?? [])).toEqual(['a picture']);
  });
});
