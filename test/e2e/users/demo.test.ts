import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createLab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { CommandResult } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { clientProcesses } from '../../support/tshuttle/tshuttle.ts';

/*
 *  the lab's client: npm run demo, which makes machines of its own
 */

function demoFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('tshuttle-demo-'));
}

function expectTheWholeStory({ code, stdout, stderr }: CommandResult): void {
  expect(code, stdout + stderr).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/curl http:\/\/10\.77\.0\.2\/ +no answer/);
  expect(stdout).toMatch(/Hello 10\.77\.0\.1, this is the database/);
  expect(stdout).toMatch(/48 MiB in .* SHA-256 as it should be/);
  expect(stdout).toMatch(/nft list ruleset +\(nothing\)/);
}

describe.skipIf(skipLab)('npm run demo', () => {
  it('tells the whole story and leaves nothing behind', async () => {
    await using lab = await createLab();
    const before = demoFolders();
    expectTheWholeStory(await lab.client.exec(['bash', 'bench/demo/run.sh']));
    expect(demoFolders()).toEqual(before);
    expect(await clientProcesses(lab)).toEqual([]);
  });

  it('does so for an ordinary user, or says in one line what is missing', async () => {
    await using lab = await createLab();
    const user = ORDINARY_USER.name;
    const allowed = await lab.client.exec(['unshare', '--user', '--map-root-user', '--net', 'true'], {
      user,
    });
    const result = await lab.client.exec(['bash', 'bench/demo/run.sh'], { user });
    if (allowed.code === 0) expectTheWholeStory(result);
    else expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^[^\n]+\n$/) });
    expect(await clientProcesses(lab)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leaves nothing behind after %s', async (signal) => {
    await using lab = await createLab();
    const before = demoFolders();
    const demo = lab.client.spawn(['node', 'bench/demo/demo.mjs']);
    await demo.untilOutput(/With tshuttle/);
    demo.kill(signal);
    await demo.exited;
    // Its processes are in namespaces of their own: found by the script they run.
    await until(() => demoFolders().length === before.length, {
      deadlineMs: 5_000,
      what: 'the folder is gone',
    });
    expect(await clientProcesses(lab)).toEqual([]);
  });
});
