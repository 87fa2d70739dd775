import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TunnelsNow } from '../../../../src/app/running-tunnels/tunnel-views.ts';
import { Child } from '../../../support/process/child.ts';
import { OfficeScene } from './office-scene.ts';
import {
  environmentOf,
  expectSaid,
  expectSnapshot,
  openTerminal,
  showEverywhere,
  throughPipe,
} from './screens.ts';

describe('status and is-up', () => {
  let scene: OfficeScene;
  beforeAll(async () => {
    scene = await OfficeScene.open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('say in every terminal, and through a pipe, how each tunnel is and what to do', async () => {
    const { home } = scene;
    const colour = { isColoured: true };
    const pages = [
      await showEverywhere(home, 'tshuttle status', { ...colour, code: 3, isShortened: true }),
      await showEverywhere(home, 'tshuttle status office', colour),
      await showEverywhere(home, 'tshuttle status stage', { ...colour, code: 4 }),
      await showEverywhere(home, 'tshuttle status offic', { code: 64 }),
      await showEverywhere(home, 'tshuttle is-up', { code: 3 }),
      await showEverywhere(home, 'tshuttle is-up stage office', { code: 4 }),
      await showEverywhere(home, "tshuttle status --format '{mark}{name}'", { code: 3 }),
    ];
    await expectSnapshot(pages, 'status');
    expect((await throughPipe(home, 'tshuttle is-up office')).stdout).toBe('');
  }, 60_000);

  test('--json has the same facts', async () => {
    const { code, stdout } = await throughPipe(scene.home, 'tshuttle status --json');
    expect(code).toBe(3);
    const now = JSON.parse(stdout) as TunnelsNow;
    expect(now.tunnels.map(({ name, health }) => [name, health])).toEqual([
      ['office', 'up'],
      ['lab', 'up'],
      ['train', 'connecting'],
      ['bank', 'needs-you'],
      ['old', 'needs-you'],
      ['strict', 'works-badly'],
    ]);
    expect(now).toMatchObject({ health: 'needs-you', silent: [], down: [], over: [] });
    const text = (await throughPipe(scene.home, 'tshuttle status')).stdout;
    for (const { status, problems, shares, rules } of now.tunnels) {
      expectSaid(text, [status!.bastion, ...problems.flatMap(({ what, remedy }) => [what, remedy])]);
      expectSaid(text, [...shares.map(({ what }) => `shares ${what}`), ...rules.map(({ subnet }) => subnet)]);
    }
  });

  test('--watch shows the same until q, at another size too; TERM=dumb and a pipe get lines', async () => {
    const { home } = scene;
    await using terminal = await openTerminal(home, 'tshuttle status --watch office');
    await terminal.shows(/^● office .*\n[\s\S]*^q quit/m);
    expect(await terminal.text()).toContain('shares 10.1.0.0/16 with lab');
    await terminal.resize(120, 35);
    await terminal.shows(/^ {4}shares .*, since it was started last$/m);
    await terminal.press('q');
    await terminal.shows(/<ended with 0>/);
    expect((await terminal.everything()).rows.join('\n')).not.toContain('q quit');

    const line = 'tshuttle status --watch office';
    await using dumb = await openTerminal(home, line, undefined, { TERM: 'dumb' });
    await dumb.shows(/^● office /m);
    expect(await dumb.text()).not.toContain('q quit');
    await dumb.press('C-c');
    await dumb.shows(/<ended with 130>/);

    const piped = new Child(['tshuttle', 'status', '--watch', '--json'], { env: environmentOf(home) });
    await piped.untilOutput(/\n/);
    piped.kill('SIGTERM');
    const { stdout } = await piped.exited;
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((one) => (JSON.parse(one) as TunnelsNow).health),
    ).toEqual(['needs-you']);
  }, 30_000);
});
