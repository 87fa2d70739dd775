import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runShortProgram } from '../../../../src/app/events/bounded-run.ts';
import { commandSink } from '../../../../src/app/events/command-sink.ts';
import { desktopSink } from '../../../../src/app/events/desktop-sink.ts';
import type { TunnelEvent } from '../../../../src/app/events/tunnel-event.ts';
import { until } from '../../../support/process/until.ts';
import { writeProgram } from '../../../support/process/write-program.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-events-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const EVENT: TunnelEvent = {
  kind: 'lost',
  name: 'office',
  bastion: 'me@gate',
  message: '$(touch owned) `touch owned`; "touch owned" <b>\n\\n',
  remedy: null,
  sinceMs: 0,
};

/** Runs a command of the shell's, within bounds that a test may wait for. */
function run(
  command: string,
  { limitMs = 10_000, signal = new AbortController().signal } = {},
): Promise<string> {
  return runShortProgram({ command, environment: { PLACE: folder } }, { limitMs, signal });
}

/** The process ids in a file, of processes that a command has started. */
async function pidsIn(name: string): Promise<number[]> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

async function untilWritten(name: string, count: number): Promise<number[]> {
  await until(async () => (await pidsIn(name)).length === count, {
    deadlineMs: 10_000,
    what: `${name} has ${count}`,
  });
  return await pidsIn(name);
}

/** A process that has ended, and that its parent, or the first process, has heard of. */
async function untilGone(pids: readonly number[]): Promise<void> {
  const isThere = async (pid: number): Promise<boolean> => {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    return state !== undefined && !/\) [ZX] /.test(state);
  };
  await until(async () => !(await Promise.all(pids.map(isThere))).includes(true), {
    deadlineMs: 5_000,
    what: `${pids.join()} are gone`,
  });
}

describe('a command of the user', () => {
  test('has no input, a group of its own, and what it says is heard', async () => {
    expect(await run('cat; echo "pgid $(ps -o pgid= -p $$ | tr -d " ") pid $$" >&2; echo second')).toMatch(
      /^(?=.*pgid (\d+) pid \1)(?=.*second)/,
    );
  });

  test('is told by variables alone, and none of ours but these', async () => {
    process.env['TSHUTTLE_ARGS'] = 'hush';
    try {
      const said: string[] = [];
      const sink = commandSink(
        'printf "%s|" "$TSHUTTLE_EVENT" "$TSHUTTLE_MESSAGE" "$TSHUTTLE_ARGS"; pwd',
        (text) => said.push(text),
      );
      await sink.deliver(EVENT, { limitMs: 10_000, signal: new AbortController().signal });
      expect(said).toEqual([`lost|$(touch owned) \`touch owned\`; "touch owned" <b> \\n||${process.cwd()}`]);
    } finally {
      delete process.env['TSHUTTLE_ARGS'];
    }
  });

  test.each([
    ['echo before; echo sorry >&2; exit 3', /^it ended with 3: .*sorry/],
    ['kill -TERM $$', /^it ended with SIGTERM$/],
    ['/nonexistent/notify', /^it ended with 127: .*not found/],
  ])('that fails says how: %s', async (command, expected) => {
    await expect(run(command)).rejects.toThrow(expected);
  });

  test('that hangs is ended after the limit, with all that it has started', async () => {
    const began = performance.now();
    const running = run(
      'trap "" TERM; echo $$ >"$PLACE/pids"; sleep 600 & echo $! >>"$PLACE/pids"; wait; sleep 600',
      {
        limitMs: 300,
      },
    );
    const failed = expect(running).rejects.toThrow(/^it took more than 0.3 s/);
    const pids = await untilWritten('pids', 2);
    await failed;
    expect(performance.now() - began).toBeLessThan(5_000);
    await untilGone(pids);
  });

  test('that never stops talking is not listened to for long', async () => {
    await expect(run('yes')).rejects.toThrow('it said more than 64 KiB');
  });

  test('what it leaves running in its group is ended with it, and what has left the group is not waited for', async () => {
    await run('sleep 600 >/dev/null 2>&1 & echo $! >"$PLACE/left"');
    await untilGone(await untilWritten('left', 1));

    expect(await run('sleep 600 & echo $! >"$PLACE/talks"; echo said')).toBe('said');
    await untilGone(await untilWritten('talks', 1));

    // A session of its own is how a command asks for that.
    await run(
      'setsid sleep 600 & echo $! >"$PLACE/away"; until [ "$(ps -o sid= -p $!)" -eq $! ]; do :; done',
    );
    const [away] = await untilWritten('away', 1);
    expect(process.kill(away!, 'SIGKILL'), 'it was there').toBe(true);
  });

  test('is ended at once with the tunnel', async () => {
    const stop = new AbortController();
    const running = run('trap "" TERM; echo $$ >"$PLACE/pids"; sleep 600', { signal: stop.signal });
    const failed = expect(running).rejects.toThrow('it was ended with the tunnel');
    const pids = await untilWritten('pids', 1);
    stop.abort();
    await failed;
    await untilGone(pids);
    await expect(run('sleep 600', { signal: stop.signal })).rejects.toThrow('it was ended with the tunnel');
  });
});

describe('a program with arguments', () => {
  const program = (name: string): void => {
    writeProgram(join(folder, name), '#!/bin/sh\nprintf "%s\\n" "$@" >"$(dirname "$0")/shown"\n');
  };

  test('gets them as they are, and is told apart from one that is not there', async () => {
    const { PATH } = process.env;
    process.env['PATH'] = folder;
    try {
      const sink = desktopSink('all', { platform: 'linux', environment: {} })!;
      const bounds = { limitMs: 10_000, signal: new AbortController().signal };
      await expect(sink.deliver(EVENT, bounds)).rejects.toThrow('there is no such program');
      process.env['PATH'] = `${folder}:${PATH}`;
      program('notify-send');
      await sink.deliver(EVENT, bounds);
      expect(await readFile(join(folder, 'shown'), 'utf8')).toBe(
        '--app-name=tshuttle\n--urgency=normal\n--\ntshuttle: office has lost its connection\n' +
          '$(touch owned) `touch owned`; &quot;touch owned&quot; &lt;b&gt; \\\\n\n',
      );
    } finally {
      process.env['PATH'] = PATH;
    }
  });
});
