import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Home, runReal } from '../entry.ts';

const FILE = '.config/tshuttle/config.yaml';

/** As somebody keeps it. */
const OWN = `# what we have
profiles:
  # the office
  office:
    remote: me@bastion.example.com # by its name
    subnets:
      - 10.0.0.0/8
`;

let home: Home;

beforeEach(async () => {
  home = await Home.make();
  await mkdir(join(home.path, '.config', 'tshuttle'), { recursive: true });
});
afterEach(() => home[Symbol.asyncDispose]());

const real = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runReal(words, { env: { ...home.environment(), ...env } });
const write = (text: string) => writeFile(join(home.path, FILE), text, { mode: 0o600 });

// Each starts a process several times.
describe('--save', { timeout: 120_000 }, () => {
  test('writes the command line down once the tunnel is up, beside what the file has', async () => {
    await write(OWN);
    const words = ['-r', 'me@h', '10.1.0.0/16', '--save', 'lab'];
    const child = home.start(words);
    try {
      await child.untilOutput(/saved as lab in .*config\.yaml -> next time: tshuttle up lab/);
    } finally {
      child.kill('SIGTERM');
      await child.exited;
    }
    expect(await home.read(FILE)).toBe(`${OWN}  lab:\n    remote: me@h\n    subnets:\n      - 10.1.0.0/16\n`);
    // The same again is no harm, something else by that name is.
    expect((await home.run(['--save', 'office', '-r', 'h', '0/0'])).stderr).toContain(
      '--save office: is already a profile, with other options; take another name, or first: tshuttle config remove office',
    );
  });

  test('of a daemon, which has the name from its start; nothing of a tunnel that did not come up', async () => {
    expect(await home.run(['-r', 'h', '10.0.0.0/8', '--save', 'lab'], 'refused')).toMatchObject({ code: 77 });
    expect(await home.read(FILE)).toBe('');
    const words = ['-D', '-r', 'h', '10.0.0.0/8', '--save', 'lab'];
    const up = await home.run(words);
    try {
      expect(up.stdout).toContain('saved as lab in ');
      expect(await home.read(FILE)).toContain('lab:\n    remote: h\n');
      // It is the profile from its start, to every command that takes a name.
      expect(await home.run(['is-up', 'lab'])).toMatchObject({ code: 0 });
      expect((await home.run(['status', 'lab'])).stdout).toMatch(/^\* lab +up /);
      expect((await home.run(['list'])).stdout).toMatch(/^lab +up +h /m);
      expect((await home.run(['logs', 'lab'])).stdout).toContain('up: pretending for h');
      expect((await home.run(['reload', 'lab'])).stdout).toBe('tshuttle: lab: nothing has changed\n');
      expect((await home.run(['up', 'lab'])).stdout).toContain('lab is up already');
      expect(await home.run(words)).toMatchObject({
        code: 64,
        stdout: '',
        stderr: expect.stringMatching(
          /^tshuttle: --save lab: a tunnel of this name is up already, process id \d+ -> .*tshuttle down lab\n$/,
        ) as string,
      });
      expect((await home.notes()).filter((line) => line === 'up')).toHaveLength(1);
      expect((await home.run(['down', 'lab'])).stdout).toBe('tshuttle: lab is down\n');
    } finally {
      await home.run(['down', '--all']);
    }
  });

  test.each([
    [['-r', 'me:hush@h', '0/0'], 78, '-r me:***@h: has a password, which does not belong in a file'],
    [['-r', 'h', '0/0', '--dry-run'], 64, '--save x: waits for a tunnel, and --dry-run starts none'],
    [['run', '-r', 'h', '0/0'], 64, '--save: is not an option of run; it is one of tshuttle -r BASTION'],
  ] as const)('%j is refused before anything starts', async (words, code, said) => {
    const tail = words[0] === 'run' ? ['--', 'true'] : [];
    const result = await home.run([...words, '--save', 'x', ...tail]);
    expect(result).toMatchObject({ code, stderr: expect.stringContaining(said) as string });
    expect(await home.read('notes')).toBe('');
  });
});

describe('config', { timeout: 120_000 }, () => {
  test('add, show and remove, and all else of the file stays', async () => {
    await write(OWN);
    expect(await real(['config', 'add', 'lab', '-r', 'h', '10.1.0.0/16', '-x', '10.1.2.0/24'])).toMatchObject(
      {
        code: 0,
        stdout: `lab is in ${join(home.path, FILE)} -> start it: tshuttle up lab\n`,
      },
    );
    const shown = await real(['config', 'show', 'lab']);
    expect(shown.stdout).toBe(
      `# ${join(home.path, FILE)}\nprofiles:\n  lab:\n    remote: h\n    subnets:\n      - 10.1.0.0/16\n    excludes:\n      - 10.1.2.0/24\n`,
    );
    expect(JSON.parse((await real(['config', 'show', '--json'])).stdout)).toMatchObject([
      { name: 'office' },
      { name: 'lab', remote: 'h' },
    ]);
    expect((await real(['config', 'remove', 'lba'])).stderr).toContain('lba: is not a profile; perhaps lab');
    expect(await real(['config', 'remove', 'lab'])).toMatchObject({ code: 0 });
    expect(await home.read(FILE)).toBe(OWN);
    expect(await real(['config', 'add', 'a/b', '-r', 'h', '10.0.0.0/33'])).toMatchObject({ code: 64 });
    expect(await home.read(FILE)).toBe(OWN);
  });

  test('add takes the bastions of the command line alone, and as many comments as there are', async () => {
    const own = `${'# what we have\n\n'.repeat(40)}${OWN}`;
    await write(own);
    const words = ['config', 'add', 'lab', '-r', 'h', '10.1.0.0/16', '-l', '0.0.0.0:12300'];
    expect(await real(words, { TSHUTTLE_ARGS: '-r other' })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('-l 0.0.0.0:12300: only connections that this machine opens') as string,
    });
    expect(await home.read(FILE)).toContain(`${own}  lab:\n    remote: h\n    subnets:\n`);
  });

  test('check says all that is wrong, also what is there twice and what stands beside it', async () => {
    await write(
      `profiles:\n  office:\n    remote: h\n    subnet: [10.0.0.0/8]\n  office:\n    remote: h\n    subnets: [10.0.0.0/33]\n  lab:\n    remote: h\n    remot: x\n  dev:\n    remote: h\n    subnets: [10.0.0.0-24]\n`,
    );
    const { code, stderr } = await real(['config', 'check']);
    expect(code).toBe(78);
    const lines = stderr.replaceAll(join(home.path, FILE), 'F').trimEnd().split('\n');
    expect(lines).toEqual([
      'tshuttle: F:5:3: office is there twice; only one can count',
      'tshuttle: F:10:5: remot is not an option of a profile; perhaps remote',
      'tshuttle: F:7:15 subnets 10.0.0.0/33: has the prefix length 33, but IPv4 has at most 32',
      'tshuttle: F:13:15 subnets 10.0.0.0-24: has - before its prefix length; write 10.0.0.0/24',
    ]);
  });

  test('edit replaces the file only when all of it is right, and goes on with what was not', async () => {
    await write(OWN);
    const editor = (script: string) => ({ EDITOR: `sh -c '${script}' sh` });
    const wrong = await real(['config', 'edit'], editor('sed -i s,10.0.0.0/8,10.0.0.0/33, "$1"'));
    expect(wrong).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('config.yaml:7:9 subnets') as string,
    });
    expect(wrong.stdout).toContain('continue with it: tshuttle config edit');
    expect(await home.read(FILE)).toBe(OWN);
    const right = await real(['config', 'edit'], editor('sed -i s,10.0.0.0/33,10.2.0.0/16, "$1"'));
    expect(right).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^continuing with your last edit.*\n.* is saved /) as string,
    });
    expect(await home.read(FILE)).toBe(OWN.replace('10.0.0.0/8', '10.2.0.0/16'));
    expect(await real(['config', 'edit'], editor('true'))).toMatchObject({
      stdout: expect.stringContaining('is as it was') as string,
    });
    const meanwhile = `echo "# mine" >> "$1"; echo "# theirs" >> ${join(home.path, FILE)}`;
    const old = '.config/tshuttle/.config.yaml.edited.old.yaml';
    expect(await real(['config', 'edit'], editor(meanwhile))).toMatchObject({
      stdout: expect.stringContaining(`what you wrote is in ${join(home.path, old)}`) as string,
      stderr: expect.stringContaining('was changed by somebody else meanwhile') as string,
    });
    expect((await home.read(FILE)).trimEnd().endsWith('# theirs')).toBe(true);
    expect((await home.read(old)).trimEnd().endsWith('# mine')).toBe(true);
    expect((await real(['config', 'edit'], { EDITOR: '/nonexistent' })).stderr).toContain(
      'EDITOR=nano tshuttle config edit',
    );
    for (const EDITOR of ['', ' '])
      expect(await real(['config', 'edit'], { EDITOR })).toMatchObject({ code: 64 });
    // What had errors is not lost either where the file has another text by then.
    await real(['config', 'edit'], editor('echo "- wrong" >> "$1"'));
    await write(`${OWN}# later\n`);
    expect((await real(['config', 'edit'], editor('cat "$1"'))).stdout).toMatch(
      /has changed since your last edit[\s\S]*# later/,
    );
    expect((await home.read(old)).trimEnd().endsWith('- wrong')).toBe(true);
    const left = await readdir(join(home.path, '.config', 'tshuttle'));
    // Windows removes no file that is locked by being open: native-notes/file-locks.md
    expect(
      left.filter((name) => name !== '.config.yaml.lock' || process.platform !== 'win32').sort(),
    ).toEqual(['.config.yaml.edited.old.yaml', 'config.yaml']);
  });
});
