import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OfficeScene } from './office-scene.ts';
import { expectSnapshot, showEverywhere, throughPipe } from './screens.ts';

describe('help', () => {
  let scene: OfficeScene;
  beforeAll(async () => {
    scene = await OfficeScene.open([]);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('is a screen in every terminal and through a pipe; what was meant is named, with the line to type', async () => {
    const { home } = scene;
    const wrong = { code: 64 };
    const short = await showEverywhere(home, 'tshuttle -h');
    expect((await throughPipe(home, 'tshuttle -h')).stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(
      40,
    );
    const pages = [
      short,
      await showEverywhere(home, 'tshuttle help ERR_BASTION_AUTH'),
      await showEverywhere(home, 'tshuttle statsu', wrong),
      await showEverywhere(home, 'tshuttle office', wrong),
      await showEverywhere(home, 'tshuttle offic', wrong),
      await showEverywhere(home, 'tshuttle help recipies', wrong),
      await showEverywhere(home, 'tshuttle help ERR_BASTION_AUHT', wrong),
      await showEverywhere(home, 'tshuttle -r me@h 10.0.0.0-24', wrong),
      await showEverywhere(home, 'tshuttle -r me@h -p 2222 10.0.0.0/8', wrong),
      await showEverywhere(home, 'tshuttle -r me@h --prot 2222 10.0.0.0/8', wrong),
      await showEverywhere(home, 'tshuttle -r me@h --socks 99999', wrong),
      await showEverywhere(home, "tshuttle -r me@h --on-event '' 10.0.0.0/8", wrong),
      await showEverywhere(home, 'tshuttle --port 99999', wrong),
      await showEverywhere(home, 'tshuttle config check --jsn', wrong),
      await showEverywhere(home, 'tshuttle down -q', wrong),
      await showEverywhere(home, 'tshuttle top --web --once', wrong),
      await showEverywhere(home, 'tshuttle service', wrong),
      await showEverywhere(home, 'tshuttle service install offic', { code: 78 }),
    ];
    await expectSnapshot(pages, 'help');
  }, 60_000);

  test('man shows the page that npm installs, which fits every terminal', async () => {
    const { home } = scene;
    const page = await throughPipe(home, 'tshuttle man | mandoc -T utf8 -O width=80 | col -bx');
    expect(page).toMatchObject({ code: 0, stderr: '' });
    expect(page.stdout).toMatch(/^TSHUTTLE\(1\) [\s\S]*?\n\n?NAME\n {5}tshuttle – /);
    const lint = await throughPipe(home, 'tshuttle man | mandoc -T lint -W warning');
    expect(lint).toMatchObject({ code: 0, stdout: '' });
    const everything = await throughPipe(home, 'tshuttle --help');
    expect(everything.stdout.split('\n').length).toBeGreaterThan(100);
    for (const line of everything.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });
});
