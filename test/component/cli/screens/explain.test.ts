import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OfficeScene } from './office-scene.ts';
import { expectSaid, expectSnapshot, showEverywhere, throughPipe } from './screens.ts';

/** Of each what a program is told; `lines` are the text. */
interface Explained {
  readonly host: string;
  readonly port: number | null;
  readonly capturedBy: readonly string[] | null;
  readonly wouldCapture: readonly string[] | null;
  readonly problems: ReadonlyArray<{
    readonly tunnel: string;
    readonly what: string;
    readonly remedy: string;
  }>;
  readonly lines: readonly string[];
}

describe('explain', () => {
  let scene: OfficeScene;
  beforeAll(async () => {
    scene = await OfficeScene.open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('says in every terminal, and through a pipe, who captures a destination, and what to do', async () => {
    const { home } = scene;
    const pages = [
      // Carried before; refused by the destination; two tunnels compete.
      await showEverywhere(home, 'tshuttle explain 10.0.0.8:5432'),
      await showEverywhere(home, 'tshuttle explain 10.1.0.8:443'),
      // Their tunnels do not carry: the login was refused; the bastion forwards nothing.
      await showEverywhere(home, 'tshuttle explain 172.18.0.8:443'),
      await showEverywhere(home, 'tshuttle explain 172.19.0.9:443'),
      // No tunnel captures it: a profile would, or none.
      await showEverywhere(home, 'tshuttle explain 192.0.2.9:80'),
      await showEverywhere(home, 'tshuttle explain 198.51.100.200:80'),
      await showEverywhere(home, 'tshuttle explain 203.0.113.7:22'),
      await showEverywhere(home, 'tshuttle explain foo:bar:baz', { code: 64 }),
    ];
    await expectSnapshot(pages, 'explain');
  }, 60_000);

  test('says what helps where a name does not resolve', async () => {
    const text = (await throughPipe(scene.home, 'tshuttle explain db.nowhere.invalid:22')).stdout;
    expect(text).toMatch(
      /^db\.nowhere\.invalid: does not resolve.*, and is in no zone of a tunnel that is up\n {4}-> .*--domain nowhere\.invalid\n$/,
    );
    const zone = (await throughPipe(scene.home, 'tshuttle explain db.stage.internal:22')).stdout;
    expect(zone).toMatch(/\nstage, which is not up, would capture it: .*\n {4}-> tshuttle up stage\n$/);
  });

  test('--json has the same facts', async () => {
    const explain = async (destination: string): Promise<Explained> => {
      const { stdout } = await throughPipe(scene.home, `tshuttle explain ${destination} --json`);
      const explained = JSON.parse(stdout) as Explained;
      const text = (await throughPipe(scene.home, `tshuttle explain ${destination}`)).stdout;
      expect(`${explained.lines.join('\n')}\n`).toBe(text);
      expectSaid(text, explained.problems?.flatMap(({ what, remedy }) => [what, remedy]) ?? []);
      return explained;
    };
    expect(await explain('10.1.0.8:443')).toMatchObject({
      ...{ host: '10.1.0.8', port: 443, capturedBy: ['office', 'lab'], wouldCapture: [], problems: [] },
    });
    expect(await explain('172.17.0.8')).toMatchObject({
      ...{ host: '172.17.0.8', port: null, capturedBy: ['bank'] },
      problems: [{ tunnel: 'bank', remedy: 'tshuttle login bank' }],
    });
    expect(await explain('192.0.2.9:80')).toMatchObject({ capturedBy: [], wouldCapture: ['stage'] });
  }, 30_000);
});
