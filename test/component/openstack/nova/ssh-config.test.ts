import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type CommandOutcome, runInProcess } from '../../../support/in-process/run-command.ts';
import { Child, mustRun } from '../../../support/process/child.ts';
import { Home } from '../../cli/entry.ts';

/*
 * tshuttle openstack ssh-config ── Keystone and Nova's answers on loopback, over TLS
 */

interface Machine {
  readonly id: string;
  readonly name: string;
  /** Address and kind, by network. */
  readonly addresses: Readonly<Record<string, ReadonlyArray<readonly [address: string, kind?: 'floating']>>>;
}

const uuid = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

const TWO: readonly Machine[] = [
  { id: uuid(2), name: 'db-1', addresses: { private: [['10.2.0.22']] } },
  { id: uuid(1), name: 'web-1', addresses: { private: [['10.2.0.21'], ['198.51.100.9', 'floating']] } },
];

describe('tshuttle openstack ssh-config', () => {
  let home: Home;
  let nova: Child;
  let clouds: string;

  beforeAll(async () => {
    home = await Home.make();
    const openssl = (words: string): unknown =>
      execFileSync('openssl', words.split(' '), { cwd: home.path, stdio: 'pipe' });
    const subject = '-subj /CN=cloud -addext subjectAltName=DNS:localhost';
    openssl(
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 ${subject} -keyout key -out cert`,
    );
    await serve([]);
    nova = new Child(
      ['node', 'test/support/servers/nova.entry.mjs', '0', 'servers.json', 'cert', 'key'].map((word) =>
        ['servers.json', 'cert', 'key'].includes(word) ? join(home.path, word) : word,
      ),
      // Fewer than are asked for at once.
      { env: { PATH: process.env['PATH'] ?? '', NOVA_MAX_LIMIT: '100' } },
    );
    await nova.untilOutput(/listening on \d+/);
    const [, port] = /listening on (\d+)/.exec(nova.stdout)!;
    clouds = join(home.path, 'clouds.yaml');
    const auth = `{auth_url: 'https://localhost:${port}/v3', username: me, password: hush, project_name: p}`;
    await writeFile(clouds, `clouds: {a: {auth: ${auth}, cacert: ${join(home.path, 'cert')}}}\n`);
  });
  afterAll(async () => {
    nova?.kill('SIGTERM');
    await nova?.exited;
    await home?.[Symbol.asyncDispose]();
  });

  async function serve(machines: readonly Machine[]): Promise<void> {
    await writeFile(join(home.path, 'servers.json'), JSON.stringify(machines));
  }

  async function run(...words: readonly string[]): Promise<CommandOutcome> {
    const environment = { XDG_CONFIG_HOME: join(home.path, '.config'), OS_CLIENT_CONFIG_FILE: clouds };
    const result = await runInProcess(['openstack', 'ssh-config', ...words], environment);
    expect(result.printed + result.refused.join()).not.toMatch(/hush|tok3n/);
    return result;
  }

  /** What ssh makes of a host by a configuration. */
  async function asSshHasIt(text: string, host: string): Promise<Readonly<Record<string, string>>> {
    const path = join(home.path, 'out');
    await writeFile(path, text, { mode: 0o600 });
    const lines = (await mustRun(['ssh', '-G', '-F', path, host])).split('\n');
    return Object.fromEntries(
      lines.map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]),
    );
  }

  test('of two servers, as ssh takes it', async () => {
    await serve(TWO);
    const {
      printed: stdout,
      refused,
      code,
    } = await run('a', '--gate', 'tunnel@198.51.100.7:2222', '--user', 'debian');
    expect({ refused, code }).toEqual({ refused: [], code: 0 });
    for (const { id, name, addresses } of TWO) {
      for (const word of [id, name]) {
        expect(await asSshHasIt(stdout, word)).toMatchObject({
          hostname: addresses['private']![0]![0],
          hostkeyalias: id,
          user: 'debian',
          // With brackets or without, by the version of ssh.
          proxyjump: expect.stringMatching(/^tunnel@\[?198\.51\.100\.7\]?:2222$/),
        });
      }
    }
    expect((await run('--gate', 'tunnel@198.51.100.7:2222', '--user', 'debian')).printed).toBe(stdout);
  });

  test('of 250 servers, by pages; it reads and does nothing else', async () => {
    const many = Array.from({ length: 250 }, (_, index) => ({
      id: uuid(1000 - index),
      name: `web-${index}`,
      addresses: { private: [[`10.2.${index}.1`] as const] },
    }));
    await serve(many);
    const before = nova.stdout.length;
    const { printed: stdout } = await run('a', '--gate', 'tunnel@198.51.100.7');
    expect(stdout.match(/^Host .*$/gm)).toEqual(
      many.toReversed().map(({ id, name }) => `Host ${id} ${name}`),
    );
    await nova.untilOutput(new RegExp(`marker=${many[199]!.id}`));
    expect(nova.stdout.slice(before).trim().split('\n')).toEqual([
      '201 POST /v3/auth/tokens',
      '200 GET /v2.1/servers/detail?limit=200',
      `200 GET /v2.1/servers/detail?limit=200&marker=${many[99]!.id}`,
      `200 GET /v2.1/servers/detail?limit=200&marker=${many[199]!.id}`,
    ]);
  });

  test('of servers that are called alike, strangely, on IPv6 alone, on several networks, on none', async () => {
    await serve([
      { id: uuid(9), name: 'web', addresses: { a: [['10.0.0.9']] } },
      { id: uuid(8), name: 'web', addresses: { a: [['10.0.0.8']] } },
      { id: uuid(7), name: 'x\nHost *\n  ProxyCommand evil', addresses: { a: [['10.0.0.7']] } },
      { id: uuid(6), name: 'six', addresses: { v6: [['2001:db8::6']] } },
      { id: uuid(5), name: 'five', addresses: { b: [['10.1.0.5']], a: [['10.0.0.5']] } },
      { id: uuid(4), name: 'none', addresses: {} },
    ]);
    const { printed: stdout, refused, code } = await run('a', '--gate', 'me@gate.example', '-i', clouds);
    expect({ refused, code }).toEqual({ refused: [], code: 0 });
    expect(stdout.match(/^(?:Host| {2}HostName) .*$/gm)).toEqual(
      [
        [`${uuid(5)} five`, '10.0.0.5'],
        [`${uuid(6)} six`, '2001:db8::6'],
        [uuid(7), '10.0.0.7'],
        [uuid(8), '10.0.0.8'],
        [uuid(9), '10.0.0.9'],
      ].flatMap(([words, address]) => [`Host ${words}`, `  HostName ${address}`]),
    );
    expect(stdout).toContain(`# ${uuid(4)} is left out: it has no address\n`);
    expect(stdout).toContain(`# ${uuid(9)}: the name "web" is left out: 2 servers are called so\n`);
    expect(await asSshHasIt(stdout, 'anything')).not.toHaveProperty('proxycommand');
    const onB = await run('a', '--gate', 'me@gate.example', '--network', 'b');
    expect(onB.printed.match(/^ {2}HostName .*$/gm)).toEqual(['  HostName 10.1.0.5']);
    expect(await run('a', '--gate', 'me@gate.example', '--network', 'c')).toMatchObject({
      code: 64,
      refused: ['--network c: has no server; the servers are on a, b, v6'],
    });
  });

  it('writes a file of its own, and no other', async () => {
    await serve(TWO);
    const path = join(home.path, '.ssh', 'config.d', 'tshuttle');
    const words = ['a', '--gate', 'me@gate.example', '--write', path];
    expect(await run(...words)).toMatchObject({
      code: 0,
      printed: `${path}: 2 hosts\nfor ssh to read it, put this line into ~/.ssh/config, before the first Host: Include ${path}\n`,
    });
    // Windows has no modes that Node.js tells.
    expect((await stat(path)).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600);
    const written = await readFile(path, 'utf8');
    expect(written).toBe((await run(...words.slice(0, 3))).printed);
    expect(await run(...words)).toMatchObject({ code: 0 });
    await writeFile(path, 'Host mine\n');
    await expect(run(...words)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: `cannot write ${path}: it was not written by tshuttle`,
    });
    expect(await readFile(path, 'utf8')).toBe('Host mine\n');
  });

  it('takes a gate of config.yaml with its key, and refuses what ssh would take for something else', async () => {
    await serve(TWO);
    const folder = join(home.path, '.config', 'tshuttle');
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'config.yaml');
    await writeFile(
      file,
      'gates:\n  cloud:\n    remote: tunnel@198.51.100.7\n    identity: ../../gate key\n',
    );
    const { printed: stdout } = await run('a', '--gate', 'cloud');
    expect(await asSshHasIt(stdout, 'web-1')).toMatchObject({
      proxycommand: `ssh -i '${home.path}/gate key' -o IdentitiesOnly=yes -W %h:%p tunnel@198.51.100.7`,
    });
    expect(await run('a', '--gate', 'clout')).toMatchObject({
      code: 64,
      refused: ['clout: is not a gate; perhaps cloud'],
    });
    expect(await run('a', '--gate', 'me@x,y', '--user', 'a b')).toMatchObject({
      code: 64,
      refused: [
        expect.stringContaining('--gate: has characters'),
        expect.stringContaining('--user a b: is not'),
      ],
    });
    await writeFile(file, 'gates:\n  cloud:\n    remot: x\n');
    expect(await run('a', '--gate', 'cloud')).toMatchObject({
      code: 78,
      refused: [
        `${file}:2:3: cloud has no remote`,
        `${file}:3:5: remot is not a key of gates; perhaps remote`,
      ],
    });
  });
});
