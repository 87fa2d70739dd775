import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/cli/commands/doctor/finding.ts';
import { OfficeScene } from './office-scene.ts';
import { expectSaid, expectSnapshot, showEverywhere, throughPipe } from './screens.ts';

/** What comes before it is of this machine. */
const from = /^\w+ +tunnel /;

describe('doctor', () => {
  let scene: OfficeScene;
  beforeAll(async () => {
    scene = await OfficeScene.open();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('says in every terminal, and through a pipe, a line a check and the remedy under it', async () => {
    const { home } = scene;
    const pages = [
      await showEverywhere(home, 'tshuttle doctor', { code: 1, isColoured: true, from }),
      // Of the others nothing is said; what has no port cannot be tried.
      await showEverywhere(home, 'tshuttle doctor office db.example', { code: 2, isColoured: true, from }),
      await showEverywhere(home, 'tshuttle doctor nothere', { code: 78 }),
    ];
    await expectSnapshot(pages, 'doctor');
  }, 60_000);

  test('--json has the same findings', async () => {
    const { code, stdout } = await throughPipe(scene.home, 'tshuttle doctor --json');
    expect(code).toBe(1);
    const { problems, untried, findings } = JSON.parse(stdout) as {
      readonly problems: number;
      readonly untried: number;
      readonly findings: readonly Finding[];
    };
    expect({ problems, untried }).toEqual({ problems: 4, untried: 0 });
    for (const finding of findings) {
      expect(Object.keys(finding)).toEqual(['check', 'status', 'what', 'remedy']);
      expect(finding.status === 'problem' && finding.remedy === null, JSON.stringify(finding)).toBe(false);
    }
    expect(findings.filter(({ status }) => status === 'problem').map(({ check }) => check)).toEqual(
      ['train', 'bank', 'old', 'strict'].map((name) => `tunnel ${name}`),
    );
    const text = (await throughPipe(scene.home, 'tshuttle doctor')).stdout;
    for (const { check, what, remedy } of findings) expectSaid(text, [`${check}: ${what}`, remedy]);
  }, 30_000);
});
