import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { GATE_FOLDER, MANAGEMENT_KEYS } from '../../../../../src/bastion/gates/gate-places.ts';
import { renderGateScript } from '../../../../../src/bastion/gates/gate-script.ts';
import { type GateKeysInput, gateKeys } from '../../../../../src/cli/commands/gate/keys/gate-keys.ts';
import { readBySftp } from '../../../../../src/cli/commands/gate/keys/keys-by-sftp.ts';
import type { SshRequest } from '../../../../../src/ssh/config/request.ts';
import { resolveTarget } from '../../../../../src/ssh/config/target.ts';
import { type GateSession, openGateSession } from '../../../../../src/ssh/openssh/gate-session.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { type CommandOutcome, sessionOf } from '../../../../support/in-process/run-command.ts';
import { Child, mustRun, runCommand } from '../../../../support/process/child.ts';
import { familiesOf } from '../../../../support/process/processes.ts';
import { writeProgram } from '../../../../support/process/write-program.ts';
import { type LoopbackSshd, startLoopbackSshd } from '../../../../support/servers/loopback-sshd.ts';
import { Home } from '../../entry.ts';

/*
 * A real sshd, in which the management key logs in; its folder is where the account begins
 */

describe.each(['SFTP', 'script'] as const)('gate keys by %s', (way) => {
  let sshd: LoopbackSshd;
  let home: Home;
  let management: string;
  let user: string;
  let other: string;
  let file: string;
  let before: string;
  /** One login serves all tests that are not about logging in. */
  let gate: GateSession;

  const requestBy = (key: string): SshRequest =>
    sshd.request([key], 'StrictHostKeyChecking=accept-new', 'BatchMode=yes', 'IdentitiesOnly=yes');

  beforeAll(async () => {
    home = await Home.make();
    sshd = await startLoopbackSshd();
    [management, user, other] = await Promise.all(
      ['management', 'user', 'other'].map((name) => sshd.makeKey(name)) as [
        Promise<string>,
        Promise<string>,
        Promise<string>,
      ],
    );
    await sshd.authorize(management);
    await mkdir(join(sshd.directory, '.ssh'));
    await mkdir(join(home.path, '.config', 'tshuttle'), { recursive: true });
    await writeFile(
      join(home.path, '.config', 'tshuttle', 'config.yaml'),
      `gates: {cloud: {remote: me@gate.example, management_key: ${management}}}\n`,
    );
    const managementKeys = join(sshd.directory, 'authorized_keys');
    const script = renderGateScript()
      .replaceAll(GATE_FOLDER, join(sshd.directory, 'gate'))
      .replaceAll(MANAGEMENT_KEYS, managementKeys);
    await mkdir(join(sshd.directory, 'gate'));
    writeProgram(join(sshd.directory, 'script'), script);
    await sshd.reconfigure(
      // bash reads the .bashrc of whoever runs the test otherwise, which may take seconds.
      'SetEnv SHLVL=1',
      way === 'SFTP'
        ? `Subsystem sftp internal-sftp -d ${sshd.directory}`
        : `ForceCommand ${join(sshd.directory, 'script')}`,
    );
    const request = requestBy(management);
    const context = { logger: recordingLogger(), signal: new AbortController().signal };
    gate = await openGateSession(await resolveTarget(request, context), request, context);
    file = join(sshd.directory, way === 'SFTP' ? '.ssh' : 'gate', 'authorized_keys');
  }, 30_000);
  afterAll(async () => {
    await gate?.close();
    await sshd?.[Symbol.asyncDispose]();
    await home?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    before = `# kept\ncommand="x y" ${await readFile(`${management}.pub`, 'utf8')}`;
    // In the script's the management key is in no list of its tunnels.
    if (way === 'script') before = '# kept\n';
    await writeFile(file, before, { mode: 0o600 });
  });

  async function run(
    input: GateKeysInput,
    open: () => Promise<GateSession> = async () => ({ ...gate, close: async () => {} }),
  ): Promise<CommandOutcome> {
    const environment = { XDG_CONFIG_HOME: join(home.path, '.config') };
    const { session, outcome } = sessionOf(environment, recordingLogger());
    return outcome(await gateKeys(input, session, open));
  }

  /** Has the bastion's side of the connection that was made last die at once. */
  async function cutLast(): Promise<void> {
    const families = await familiesOf(sshd.pid);
    // The first is that of the login that serves the other tests.
    expect(families).toHaveLength(2);
    for (const pid of families[1]!) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended with one of the others.
      }
    }
  }

  const add = (name: string, permitOpen: readonly string[] = []): Promise<CommandOutcome> =>
    run({ action: 'add', gate: 'cloud', file: `${name}.pub`, permitOpen });
  const remove = (key: string): Promise<CommandOutcome> => run({ action: 'remove', gate: 'cloud', key });

  test('adds, lists and removes, and leaves all else as it was', async () => {
    expect(await add(user, ['10.0.0.8:22', '[2001:db8::1]:*'])).toMatchObject({ code: 0, refused: [] });
    const key = (await readFile(`${user}.pub`, 'utf8')).trim();
    const line = `restrict,port-forwarding,permitopen="10.0.0.8:22",permitopen="[2001:db8::1]:*" ${key}\n`;
    expect(await readFile(file, 'utf8')).toBe(before + line);
    // Again: with what is said now.
    await add(user);
    expect(await readFile(file, 'utf8')).toBe(`${before}restrict,port-forwarding ${key}\n`);
    const listed = JSON.parse((await run({ action: 'list', gate: 'cloud', asJson: true })).printed) as Array<{
      fingerprint: string;
    }>;
    expect(listed.at(-1)).toMatchObject({
      type: 'ssh-ed25519',
      comment: 'user',
      options: 'restrict,port-forwarding',
      isManagement: false,
    });
    if (way === 'SFTP') expect(listed[0]).toMatchObject({ isManagement: true });
    expect(await remove(listed.at(-1)!.fingerprint)).toMatchObject({ code: 0 });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await remove(`${user}.pub`)).toMatchObject({
      code: 78,
      refused: [`${user}.pub: is not a key of this gate`],
    });
    // Nothing of ours is left beside it.
    expect(
      (await readdir(join(file, '..'))).filter((name) => !['authorized_keys', 'lock'].includes(name)),
    ).toEqual([]);
  });

  test('never touches the management key', async () => {
    for (const outcome of [await remove(`${management}.pub`), await add(management)])
      expect(outcome).toMatchObject({ code: 78, refused: ['cloud: its management key is never changed'] });
    // Also where the file beside the key tells nothing: ssh has told which one logged in.
    await rename(`${management}.pub`, `${management}.away`);
    try {
      expect(await remove(`${management}.away`)).toMatchObject({
        code: 78,
        refused: ['cloud: its management key is never changed'],
      });
    } finally {
      await rename(`${management}.away`, `${management}.pub`);
    }
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  test('a hostile comment, or a second line, adds nothing', async () => {
    const key = (await readFile(`${user}.pub`, 'utf8')).trim().split(' ').slice(0, 2).join(' ');
    const evil = (await readFile(`${other}.pub`, 'utf8')).trim();
    await writeFile(`${user}.evil.pub`, `${key} a"\r${evil} $(touch x) ; \u0085 b`);
    expect(await add(`${user}.evil`)).toMatchObject({ code: 0 });
    expect((await readFile(file, 'utf8')).slice(before.length)).toMatch(
      /^restrict,port-forwarding \S+ \S+ [\w.@+-]{1,80}\n$/,
    );
    await writeFile(file, before);
    await writeFile(`${user}.two.pub`, `${key}\n${evil}\n`);
    expect(await add(`${user}.two`)).toMatchObject({
      code: 78,
      refused: [`${user}.two.pub: has 2 keys; give one at a time`],
    });
    await writeFile(`${user}.options.pub`, `command="x" ${key}\n`);
    expect(await add(`${user}.options`)).toMatchObject({ code: 78 });
    expect(
      await run({ action: 'add', gate: 'cloud', file: `${user}.pub`, permitOpen: ['a:22",command="x'] }),
    ).toMatchObject({ code: 78 });
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  test('two at the same time are both let in', async () => {
    const outcomes = await Promise.all([add(user), add(other)]);
    expect(outcomes).toMatchObject([{ code: 0 }, { code: 0 }]);
    const text = await readFile(file, 'utf8');
    for (const name of [user, other]) expect(text).toContain((await readFile(`${name}.pub`, 'utf8')).trim());
    expect(text.startsWith(before)).toBe(true);
  });

  test('who is not let in is refused, and it is told as that', async () => {
    const request = requestBy(other);
    const context = { logger: recordingLogger(), signal: new AbortController().signal };
    const target = await resolveTarget(request, context);
    const listing = run({ action: 'list', gate: 'cloud', asJson: false }, () =>
      openGateSession(target, request, context),
    );
    await expect(listing).rejects.toMatchObject({ code: 'ERR_BASTION_AUTH' });
  });

  if (way === 'script') {
    /** As another client would talk to it. */
    const talk = (words: string, input: string) =>
      runCommand(['/bin/sh', join(sshd.directory, 'script')], {
        env: { SSH_ORIGINAL_COMMAND: words, PATH: '' },
        stdin: input,
      });

    test('the script understands nothing else, and no part of a key', async () => {
      const key = (await readFile(`${user}.pub`, 'utf8')).trim();
      const wrong: ReadonlyArray<readonly [words: string, input: string, said: string]> = [
        ['', '', 'understands'],
        ['tshuttle-gate-keys', '', 'understands'],
        ['tshuttle-gate-keys list; touch x', '', 'understands'],
        ['tshuttle-gate-keys list /etc/passwd', '', 'list takes nothing'],
        ['sh -c id', '', 'understands'],
        ['tshuttle-gate-keys add $(id):22', `${key}\n.\n`, 'that is no HOST:PORT'],
        ['tshuttle-gate-keys add *', `${key}\n.\n`, 'that is no HOST:PORT'],
        ['tshuttle-gate-keys add a:22",command="x', `${key}\n.\n`, 'that is no HOST:PORT'],
        ['tshuttle-gate-keys remove a:22', `${key}\n.\n`, 'remove takes a key'],
        ['tshuttle-gate-keys add', key, 'cut off'],
        ['tshuttle-gate-keys add', `${key}\n`, 'cut off'],
        ['tshuttle-gate-keys add', `${key.slice(0, 40)}\n.\n`, 'no public key'],
        ['tshuttle-gate-keys add', `${key}\n${key}\n.\n`, 'more than one line'],
        ['tshuttle-gate-keys add', `command="x" ${key}\n.\n`, 'no public key'],
        ['tshuttle-gate-keys add', `${key} a b\n.\n`, 'no public key'],
        ['tshuttle-gate-keys add', `${key}\r\n.\n`, 'no public key'],
        ['tshuttle-gate-keys add', 'x'.repeat(50_000), 'cut off'],
        [
          'tshuttle-gate-keys add',
          `${(await readFile(`${management}.pub`, 'utf8')).trim()}\n.\n`,
          'management key',
        ],
        ['tshuttle-gate-keys remove', `${key}\n.\n`, 'no such key'],
      ];
      for (const [words, input, said] of wrong) {
        const { code, stderr } = await talk(words, input);
        expect({ code, stderr }, words).toEqual({ code: 65, stderr: expect.stringContaining(said) });
      }
      expect(await readFile(file, 'utf8')).toBe(before);
      expect(await readdir(join(sshd.directory, 'gate'))).toEqual(
        expect.not.arrayContaining([expect.stringMatching(/^new/)]),
      );
      await mustRun(['sh', '-n', join(sshd.directory, 'script')]);
    });

    test('a connection that is lost is told from a gate that refuses, whatever ssh says', async () => {
      await expect(readBySftp(gate)).rejects.toMatchObject({ code: 'ERR_CHANNEL_REFUSED' });
      const request = requestBy(management);
      const context = { logger: recordingLogger(), signal: new AbortController().signal };
      const target = await resolveTarget(request, context);
      const folder = join(sshd.directory, 'gate');
      const holder = new Child([
        'flock',
        '--no-fork',
        join(folder, 'lock'),
        'sh',
        '-c',
        'echo held; exec sleep 60',
      ]);
      await holder.untilOutput(/held/);
      const running = run({ action: 'add', gate: 'cloud', file: `${user}.pub`, permitOpen: [] }, () =>
        openGateSession(target, request, context),
      ).catch((error: unknown) => error);
      try {
        await expect
          .poll(async () => (await readdir(folder)).some((name) => name.startsWith('new')), {
            timeout: 10_000,
            interval: 5,
          })
          .toBe(true);
        await cutLast();
        expect(await running).toMatchObject({ code: 'ERR_BASTION_LOST' });
      } finally {
        holder.kill('SIGKILL');
        await holder.exited;
      }
      expect(await readFile(file, 'utf8')).toBe(before);
    });
  } else {
    test('a connection that is cut in the middle leaves the old file', async () => {
      const request = requestBy(management);
      const context = { logger: recordingLogger(), signal: new AbortController().signal };
      const target = await resolveTarget(request, context);
      const folder = join(file, '..');
      let beside: readonly string[] = [];
      const openCut = async (): Promise<GateSession> => {
        const session = await openGateSession(target, request, context);
        const sftp: GateSession['sftp'] = async (commands, input) => {
          if (commands.some((command) => command.startsWith('rename'))) {
            await session.sftp(commands.slice(0, -1), input);
            beside = await readdir(folder);
            await cutLast();
          }
          return await session.sftp(commands, input);
        };
        return { ...session, sftp };
      };
      const adding = run({ action: 'add', gate: 'cloud', file: `${user}.pub`, permitOpen: [] }, openCut);
      await expect(adding).rejects.toMatchObject({ code: 'ERR_BASTION_LOST' });
      // The new file was there, and the lock.
      expect(beside).toHaveLength(3);
      expect(await readFile(file, 'utf8')).toBe(before);
      await Promise.all(beside.map((name) => name !== 'authorized_keys' && rm(join(folder, name))));
    });

    describe('a lock that is there', () => {
      const LOCK = '.ssh/authorized_keys.tshuttle-lock';
      const lock = (): string => join(sshd.directory, LOCK);

      beforeEach(async () => {
        vi.useFakeTimers({ toFake: ['performance'] });
        await writeFile(lock(), 'holder 0');
        return async () => {
          vi.useRealTimers();
          await rm(lock(), { force: true });
        };
      });

      /** Adds a key at a gate where 16 s go by with each look at the lock. */
      async function addWatched(hooks: {
        readonly afterLook?: (count: number) => Promise<void>;
        readonly beforeBreak?: () => Promise<void>;
      }): Promise<{ readonly looks: number; readonly outcome: CommandOutcome | Error }> {
        let looks = 0;
        const watched: GateSession = {
          ...gate,
          close: async () => {},
          sftp: async (commands, input) => {
            if (commands[0]?.startsWith(`rename ${LOCK}`)) await hooks.beforeBreak?.();
            const answer = await gate.sftp(commands, input);
            if (!commands.some((command) => command.startsWith(`get ${LOCK}`))) return answer;
            looks += 1;
            vi.advanceTimersByTime(16_000);
            await hooks.afterLook?.(looks);
            return answer;
          },
        };
        const input = { action: 'add', gate: 'cloud', file: `${user}.pub`, permitOpen: [] } as const;
        const outcome = await run(input, async () => watched).catch((error: unknown) => error as Error);
        return { looks, outcome };
      }

      test('is broken after 75 s where a killed client left it, and not before', async () => {
        const seen: boolean[] = [];
        const { looks, outcome } = await addWatched({
          afterLook: async () => void seen.push(existsSync(lock())),
        });
        expect(outcome).toMatchObject({ code: 0 });
        // It was seen for 64 s and stayed, and for 80 s.
        expect({ looks, seen }).toEqual({ looks: 6, seen: Array.from({ length: 6 }, () => true) });
        expect(await readFile(file, 'utf8')).toContain((await readFile(`${user}.pub`, 'utf8')).trim());
        expect(existsSync(lock())).toBe(false);
      });

      test('is left to others as long as they change', async () => {
        const { outcome } = await addWatched({
          afterLook: (count) => writeFile(lock(), `holder ${count}`),
        });
        expect(outcome).toMatchObject({
          code: 'ERR_CHANNEL_REFUSED',
          message: expect.stringContaining('somebody else is changing them'),
        });
        expect(await readFile(lock(), 'utf8')).toBe('holder 8');
        expect(await readFile(file, 'utf8')).toBe(before);
      });

      test('is given back where another has broken the old one, and has it', async () => {
        let kept = '';
        const { outcome } = await addWatched({
          beforeBreak: () => writeFile(lock(), 'newcomer'),
          afterLook: async (count) => {
            if (count < 7) return;
            kept = await readFile(lock(), 'utf8');
            await rm(lock());
          },
        });
        expect({ kept, outcome }).toMatchObject({ kept: 'newcomer', outcome: { code: 0 } });
      });
    });
  }
});
