import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeCommand } from '../entry.ts';
import { OfficeScene } from './office-scene.ts';
import { expectSaid, expectSnapshot, openTerminal, showEverywhere, throughPipe } from './screens.ts';

const WRONG = `profiles:
  office:
    remote: me@gate.example
    subnets: [10.0.0.0-24]
  office:
    remote: me@gate.example
    subnets: [10.0.0.0/8]
  bad name!:
    remotee: y
    colour: red
`;

describe('config and --save', () => {
  let scene: OfficeScene;
  beforeAll(async () => {
    scene = await OfficeScene.open([]);
    await writeFile(join(scene.home.path, 'wrong.yaml'), WRONG, { mode: 0o600 });
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('show and check, and what is refused, say in every terminal, and through a pipe, what is so', async () => {
    const { home } = scene;
    const pages = [
      await showEverywhere(home, 'tshuttle list', { isShortened: true }),
      await showEverywhere(home, 'tshuttle config show'),
      await showEverywhere(home, 'tshuttle config check'),
      await showEverywhere(home, 'tshuttle config check $HOME/wrong.yaml', { code: 78 }),
      await showEverywhere(home, 'tshuttle config add office -r me@far.example 10.9.0.0/16', { code: 78 }),
      await showEverywhere(home, 'tshuttle config remove far', { code: 78 }),
      await showEverywhere(home, 'tshuttle config', { code: 64 }),
    ];
    await expectSnapshot(pages, 'config');
  }, 60_000);

  test('so do add, remove and edit, and what was added, and what was wrong, is as they say', async () => {
    const { home } = scene;
    const before = await readFile(scene.configFile, 'utf8');
    const add = 'tshuttle config add far -r me@far.example 10.9.0.0/16 --domain far.internal';
    const wrong = "EDITOR='sed -i s/stage:/stage!:/' tshuttle config edit; code=$?";
    // What each has changed is put back for the next one.
    const pages = [
      await showEverywhere(home, `${add} && tshuttle config remove far`, { isInTurn: true }),
      await showEverywhere(home, 'EDITOR=true tshuttle config edit', { isInTurn: true }),
      await showEverywhere(
        home,
        `${wrong}; rm $HOME/.config/tshuttle/.config.yaml.edited.yaml; (exit $code)`,
        {
          code: 78,
          isInTurn: true,
        },
      ),
    ];
    await expectSnapshot(pages, 'config-changes');
    expect((await readFile(scene.configFile, 'utf8')).replaceAll(/\s/g, '')).toBe(
      before.replaceAll(/\s/g, ''),
    );
  }, 60_000);

  test('show and check --json have the same facts', async () => {
    const { home } = scene;
    const shown = await throughPipe(home, 'tshuttle config show --json');
    expect(JSON.parse(shown.stdout)).toEqual([
      { name: 'office', file: scene.configFile, remote: 'me@gate.example', subnets: ['10.0.0.0/8'] },
      {
        ...{ name: 'stage', file: scene.configFile, remote: 'me@stage.example' },
        ...{ subnets: ['192.0.2.0/24'], zones: ['stage.internal'] },
      },
    ]);
    const right = await throughPipe(home, 'tshuttle config check --json');
    expect(right).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(right.stdout)).toEqual({
      right: ['office', 'stage'].map((name) => ({ name, file: scene.configFile })),
      ...{ problems: [], warnings: [] },
    });
    const wrong = await throughPipe(home, 'tshuttle config check $HOME/wrong.yaml --json');
    expect(wrong).toMatchObject({ code: 78, stderr: '' });
    const { problems } = JSON.parse(wrong.stdout) as {
      readonly problems: ReadonlyArray<{ readonly where: string; readonly what: string }>;
    };
    expect(problems.length).toBeGreaterThan(3);
    const text = (await throughPipe(home, 'tshuttle config check $HOME/wrong.yaml')).stderr;
    expectSaid(
      text,
      problems.map(({ where, what }) => `${where}: ${what}`),
    );
  }, 30_000);

  test('--save tells where the profile is as soon as the tunnel is up, and how to start it', async () => {
    const command = fakeCommand(['-r', 'me@h', '--save', 'lab', '10.7.0.0/16']).join(' ');
    await using terminal = await openTerminal(scene.home, command);
    await terminal.shows(/^tshuttle: saved as lab in \S+config\.yaml$\n^ {4}-> next time: tshuttle up lab$/m);
    const { rows, lines } = await terminal.everything();
    expect(rows).toEqual(lines);
    await terminal.press('C-c');
    await terminal.shows(/<ended with 130>/);
    expect((await throughPipe(scene.home, 'tshuttle config show lab')).stdout).toContain('remote: me@h');
    await throughPipe(scene.home, 'tshuttle config remove lab');
  }, 30_000);
});
