import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { editProfileFile } from '../../../../../src/config/profiles/edit-profile-file.ts';
import { SOMEBODYS_KEY } from '../../../../support/bastion/option-sets.ts';
import { type CommandOutcome, runInProcess } from '../../../../support/in-process/run-command.ts';
import { runCommand } from '../../../../support/process/child.ts';
import { Home } from '../../entry.ts';

const FILE = '.config/tshuttle/config.yaml';
const ID = '5f0c1f4e-8a53-4c0b-9a2e-0d7f6a1b2c33';

/** As somebody keeps it. */
const OWN = `# what we have
profiles:
  # the office
  office:
    remote: me@bastion.example.com # by its name
    subnets: [10.0.0.0/8]
`;

describe('gates and targets in config.yaml', () => {
  let home: Home;

  beforeEach(async () => {
    home = await Home.make();
    await mkdir(join(home.path, '.config', 'tshuttle'), { recursive: true });
    await writeFile(join(home.path, 'key'), '');
  });
  afterEach(() => home[Symbol.asyncDispose]());

  const run = async (line: string): Promise<CommandOutcome> =>
    await runInProcess(
      line.split(' ').map((word) => word.replace('KEY', join(home.path, 'key'))),
      { XDG_CONFIG_HOME: join(home.path, '.config') },
    );

  test('are added, changed, listed and removed, and all else of the file stays', async () => {
    await writeFile(join(home.path, FILE), OWN);
    for (const line of [
      'gate add cloud -r tunnel@198.51.100.7:2222 -i KEY --management-key KEY --management-user keeper',
      `target add web --gate cloud --server ${ID} --user debian`,
      'target set web --user root -i KEY',
    ])
      expect(await run(line)).toEqual({ code: 0, printed: '', refused: [] });
    const key = join(home.path, 'key');
    expect(await home.read(FILE)).toBe(
      `${OWN}gates:
  cloud:
    remote: tunnel@198.51.100.7:2222
    identity: ${key}
    management_key: ${key}
    management_user: keeper
targets:
  web:
    gate: cloud
    server: ${ID}
    user: root
    identity: ${key}
`.replace('[10.0.0.0/8]', '[ 10.0.0.0/8 ]'),
    );
    expect((await run('config check')).printed).toContain('office: right, in ');
    expect(JSON.parse((await run('target list --json')).printed)).toEqual([
      { name: 'web', gate: 'cloud', server: ID, user: 'root', identity: key },
    ]);
    expect((await run('gate list')).printed).toMatch(/^NAME +REMOTE .*\ncloud +tunnel@198\.51\.100\.7:2222 /);
    expect((await run('target show web')).printed).toBe(
      `name: web\ngate: cloud\nserver: ${ID}\nuser: root\nidentity: ${key}\n`,
    );
    const block = `Host ${ID} web
  HostName ${ID}
  HostKeyAlias ${ID}
  User root
  IdentityFile ${key}
  IdentitiesOnly yes
  ProxyCommand ssh -i '${key}' -o IdentitiesOnly=yes -p 2222 -W %h:%p tunnel@198.51.100.7
`;
    expect((await run('target ssh-config')).printed.split('\n\n')[1]).toBe(block);
    expect(await run('gate remove cloud')).toMatchObject({
      code: 78,
      refused: ['cloud: is the gate of web; remove it first, with tshuttle target remove'],
    });
    expect(await run('target remove web')).toMatchObject({ code: 0 });
    expect(await run('gate remove cloud')).toMatchObject({ code: 0 });
    expect((await home.read(FILE)).replace('[ 10.0.0.0/8 ]', '[10.0.0.0/8]')).toBe(OWN);
  });

  test('what is wrong is refused, and the file stays', async () => {
    const wrong: ReadonlyArray<readonly [line: string, code: number, said: string]> = [
      ['gate add cloud', 64, '-r: is missing'],
      ['gate add a/b -r tunnel@gate', 64, 'a/b: is not a name'],
      ['gate add cloud -r me:hush@gate', 64, 'has a password'],
      ['gate add cloud -r me@ga*te', 64, 'has characters that a Host line of ssh takes for something else'],
      ['gate add cloud -r me@gate -i /nonexistent', 78, '-i /nonexistent: there is no such file'],
      [
        'target add web --gate cloud --server x --user me',
        78,
        'gate cloud is not one of gates:; there are none',
      ],
      ['target add web --gate cloud --server x* --user me', 64, '--server x*: is not a UUID'],
      ['target add web --gate cloud --server x --user=-oProxyCommand=x', 64, 'is not the name of an account'],
      ['target set web --user me', 78, 'web: is not a target'],
      ['target remove web', 78, 'web: is not a target'],
    ];
    await writeFile(join(home.path, FILE), OWN);
    await Promise.all(
      wrong.map(async ([line, code, said]) => {
        expect(await run(line), line).toMatchObject({ code, refused: [expect.stringContaining(said)] });
      }),
    );
    expect((await run('gate add cloud -r me:hush@gate')).refused.join()).not.toContain('hush');
    expect(await home.read(FILE)).toBe(OWN);
    const broken = `${OWN}gates:\n  cloud: {remote: a, identty: b}\n`;
    await writeFile(join(home.path, FILE), broken);
    expect(await run('gate add other -r me@gate')).toMatchObject({
      code: 78,
      refused: [expect.stringContaining(`${FILE}:8:22: identty is not a key of gates; perhaps identity`)],
    });
    expect(await home.read(FILE)).toBe(broken);
  });

  test('of many commands at once none undoes another, and the first makes the file', async () => {
    const file = join(home.path, 'new', 'config.yaml');
    const names = Array.from({ length: 20 }, (_, index) => `gate-${index}`);
    await Promise.all(
      names.map((name) =>
        editProfileFile(file, () => ({ section: 'gates', name, values: { remote: `me@${name}` } })),
      ),
    );
    const text = await home.read('new/config.yaml');
    for (const name of names) expect(text).toContain(`  ${name}:\n    remote: me@${name}\n`);
  });

  test('gate create prints commands that a shell can read, whose user-data holds the script, and nothing that was not meant', async () => {
    const key = join(home.path, 'admin.pub');
    await writeFile(key, `${SOMEBODYS_KEY}\n`);
    const line = `gate create cloud --network private --flavor m1.small --management-key ${key}`;
    const { code, printed } = await run(line);
    expect(code).toBe(0);
    expect(await runCommand(['sh', '-n'], { stdin: printed })).toMatchObject({ code: 0, stderr: '' });
    // As a shell has it that runs them, with an openstack that only says what it was asked.
    const told = await runCommand(['sh'], {
      stdin: `cd ${home.path}; openstack() { echo "$*"; }; tshuttle() { return 78; }\n${printed}`,
    });
    expect(told.stderr).toBe('');
    expect(told.stdout).toContain(
      'server create --image debian-13 --flavor m1.small --network private --security-group cloud',
    );
    expect(told.stdout).toContain('server add floating ip cloud floating ip create');
    // Its key is the reader's to name: nothing is added by a word that stands for it.
    expect(told.stdout).toMatch(
      /\ntshuttle gate add cloud -r tunnel@.* --management-user tunnel-keys --management-key KEY\n$/,
    );
    expect(await home.read('cloud-user-data')).toMatch(
      /^#cloud-config\n[\s\S]*restrict ssh-ed25519 [\s\S]*AuthorizedKeysCommand/,
    );
    for (const word of ['a;reboot', '$(reboot)', 'two words'])
      expect(
        await runInProcess([...line.split(' ').slice(0, 3), '--network', word, '--flavor', 'x'], {}),
      ).toMatchObject({ code: 64 });
    expect((await run('gate create cloud --network a --flavor b')).refused).toEqual([
      expect.stringContaining('--management-key: is missing'),
    ]);
  });

  test('of a project file are refused', async () => {
    const project = join(home.path, '.tshuttle.yaml');
    await writeFile(project, 'gates: {cloud: {remote: me@evil}}\n');
    expect(await run(`config check ${project}`)).toMatchObject({
      code: 78,
      refused: [expect.stringContaining('.tshuttle.yaml:1:8: gates may not stand in a project file')],
    });
  });
});
