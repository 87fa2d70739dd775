import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodeForLaunchd } from '../../../../src/app/exit-code.ts';
import { WRITTEN_BY_US } from '../../../../src/daemon/service/launch-agent.ts';
import {
  agentFile,
  agentState,
  installAgent,
  isAgentInstalled,
  parseAgentState,
  type RunLaunchctl,
  uninstallAgent,
} from '../../../../src/daemon/service/launchctl.ts';

/** As macOS 14 prints it, shortened: what the service holds is indented once more. */
const RUNNING = `gui/501/tshuttle.agent = {
\tactive count = 1
\tpath = /Users/alice/Library/LaunchAgents/tshuttle.agent.plist
\ttype = LaunchAgent
\tstate = running

\tprogram = /opt/homebrew/bin/node
\tspawn type = interactive (4)
\tjetsam priority = 40
\truns = 3
\tpid = 4242
\timmediate reason = speculative
\tforks = 2
\tlast exit code = 75

\tevent triggers = {
\t\tstate = 0
\t\tpid = 7
\t}
}
`;

/** launchd, as far as launchctl shows it: an agent that is booted out takes a while to go. */
class FakeLaunchd {
  readonly calls: string[] = [];
  looksUntilGone: number | undefined;
  isLoaded = false;
  refusal: string | undefined;

  readonly run: RunLaunchctl = async (program, words) => {
    this.calls.push([program, words[0]].join(' '));
    const answer = (status: number, stdout = '', stderr = '') => ({ status, stdout, stderr });
    if (words[0] === 'bootstrap') {
      if (this.refusal !== undefined || this.isLoaded)
        return answer(5, '', this.refusal ?? 'Bootstrap failed: 5: Input/output error');
      this.isLoaded = true;
    }
    if (words[0] === 'bootout') this.looksUntilGone = 2;
    if (words[0] === 'print' && this.looksUntilGone !== undefined) {
      if (this.looksUntilGone === 0) this.isLoaded = false;
      this.looksUntilGone -= 1;
    }
    if (words[0] === 'print')
      return this.isLoaded ? answer(0, RUNNING) : answer(113, '', 'Could not find service');
    return answer(0);
  };
}

let homeDirectory: string;
let launchd: FakeLaunchd;

beforeEach(() => {
  homeDirectory = mkdtempSync(join(tmpdir(), 'tshuttle-agent-'));
  launchd = new FakeLaunchd();
});

afterEach(() => rmSync(homeDirectory, { recursive: true, force: true }));

describe('the agent of launchd', () => {
  const place = () => ({ homeDirectory, userId: 501 });

  test('is installed, is known again, replaces one that runs only when that is gone, and is removed', async () => {
    await installAgent(`<!-- ${WRITTEN_BY_US}. -->1`, place(), launchd.run);
    expect(isAgentInstalled(homeDirectory)).toBe(true);
    expect(launchd.calls).toEqual(['launchctl print', 'launchctl enable', 'launchctl bootstrap']);
    await installAgent(`<!-- ${WRITTEN_BY_US}. -->2`, place(), launchd.run);
    expect(readFileSync(agentFile(homeDirectory), 'utf8')).toMatch(/2$/);
    expect(launchd.isLoaded).toBe(true);
    launchd.looksUntilGone = undefined;
    await uninstallAgent(place(), launchd.run);
    expect(launchd.isLoaded).toBe(false);
    expect(isAgentInstalled(homeDirectory)).toBe(false);
    await uninstallAgent(place(), launchd.run);
  });

  test('what launchctl says is told, with what it needs', async () => {
    launchd.refusal = 'Bootstrap failed: 125: Domain does not support specified action';
    await expect(installAgent('x', place(), launchd.run)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('125: Domain does not support'),
      remedy: expect.stringContaining('logged in at the screen'),
    });
  });

  test('where launchctl refuses, the file is as it was: launchd would start it at the next login', async () => {
    launchd.refusal = 'Bootstrap failed: 125: Domain does not support specified action';
    await expect(installAgent('1', place(), launchd.run)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    expect(existsSync(agentFile(homeDirectory))).toBe(false);
    launchd.refusal = undefined;
    await installAgent('1', place(), launchd.run);
    launchd.refusal = 'Bootstrap failed: 5: Input/output error';
    await expect(installAgent('2', place(), launchd.run)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    expect(readFileSync(agentFile(homeDirectory), 'utf8')).toBe('1');
  });

  test('a file of somebody else is not taken for ours', async () => {
    await installAgent(`<!-- ${WRITTEN_BY_US}. -->`, place(), launchd.run);
    expect(dirname(agentFile(homeDirectory))).toBe(join(homeDirectory, 'Library', 'LaunchAgents'));
    writeFileSync(agentFile(homeDirectory), '<plist/>');
    expect(isAgentInstalled(homeDirectory)).toBe(false);
  });

  test('its state is read, and what is not said is not known', async () => {
    expect(parseAgentState(RUNNING)).toEqual({ state: 'running', pid: 4242, runs: 3, lastExitCode: 75 });
    expect(
      parseAgentState('gui/501/x = {\n\tstate = not running\n\tlast exit code = (never exited)\n}\n'),
    ).toEqual({
      ...{ state: 'not running', pid: null, runs: 0, lastExitCode: null },
    });
    expect(await agentState(501, launchd.run)).toBeUndefined();
  });

  test.each([
    [0, 0],
    [64, 0],
    [68, 68],
    [71, 71],
    [75, 75],
    [76, 0],
    [77, 0],
    [78, 0],
  ])('exit code %i is %i for it: a refused login is not tried again and again', (exitCode, told) => {
    expect(exitCodeForLaunchd(exitCode)).toBe(told);
  });
});
