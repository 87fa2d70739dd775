import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import ssh2, { type AuthContext } from 'ssh2';
import { describe, expect, test } from 'vitest';
import type { Prompter } from '../../../src/ssh/prompter.ts';
import type { SshRequest } from '../../../src/ssh/request.ts';
import { connectBastion } from '../../../src/ssh/ssh2/connect.ts';
import { resolveTarget } from '../../../src/ssh/target.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { NO_TERMINAL, scriptedPrompter } from '../../support/scripted-prompter.ts';

interface FakeBastion {
  readonly request: SshRequest;
  /** Every method that was tried, in order. */
  readonly tried: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A bastion that decides about each attempt as told. */
async function startBastion(
  decide: (context: AuthContext, attempts: number) => void,
  banner = '',
): Promise<FakeBastion> {
  const tried: string[] = [];
  const hostKeys = [ssh2.utils.generateKeyPairSync('ed25519').private];
  const server = new ssh2.Server({ hostKeys, banner }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (context) => {
      if (context.method !== 'none') tried.push(context.method);
      decide(context, tried.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    tried,
    request: {
      host: '127.0.0.1',
      user: 'me',
      port: (server.address() as AddressInfo).port,
      password: undefined,
      identityFiles: [],
      options: [
        'StrictHostKeyChecking=accept-new',
        'UserKnownHostsFile=none',
        'GlobalKnownHostsFile=none',
        'IdentityAgent=none',
        'IdentityFile=none',
      ],
    },
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function login(
  request: SshRequest,
  prompter: Prompter,
  ...options: string[]
): Promise<readonly string[]> {
  const logger = recordingLogger();
  const { signal } = new AbortController();
  const target = await resolveTarget(
    { ...request, options: [...options, ...request.options] },
    { logger, signal },
  );
  try {
    const bastion = await connectBastion(target, { logger, prompter, signal, beforeDial: async () => {} });
    const closed = once(bastion.socket, 'close');
    bastion.client.end();
    await closed;
  } finally {
    expect(logger.lines.join('\n')).not.toContain('hunter2');
  }
  return logger.lines;
}

/** Accepts this password only. */
const wantsPassword =
  (password: string) =>
  (context: AuthContext): void => {
    if (context.method === 'password' && context.password === password) context.accept();
    else context.reject(['password']);
  };

describe('password', () => {
  test('is asked for up to NumberOfPasswordPrompts times', async () => {
    await using bastion = await startBastion(wantsPassword('hunter2'));
    const user = scriptedPrompter('wrong', 'hunter2');
    await login(bastion.request, user);
    expect(user.questions).toEqual([
      "(hidden) me@127.0.0.1's password: ",
      "(hidden) me@127.0.0.1's password: ",
    ]);
    const tired = scriptedPrompter('1', '2', '3', '4');
    await expect(login(bastion.request, tired, 'NumberOfPasswordPrompts=2')).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('refused were: a password, a password; it still wants password'),
    });
    expect(tired.questions).toHaveLength(2);
  });

  test('of the command line is the first answer, and needs nobody', async () => {
    await using bastion = await startBastion(wantsPassword('hunter2'));
    await login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL);
    const user = scriptedPrompter('hunter2');
    await login({ ...bastion.request, password: 'old' }, user);
    expect(user.questions).toHaveLength(1);
  });

  test('is not asked for without a terminal or in BatchMode; the error says so', async () => {
    await using bastion = await startBastion(wantsPassword('hunter2'));
    const attempts = [
      () => login(bastion.request, NO_TERMINAL),
      () => login(bastion.request, scriptedPrompter('hunter2'), 'BatchMode=yes'),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'ERR_BASTION_AUTH',
        message: expect.stringContaining('password was not tried: there is no terminal to ask on'),
      });
    }
    expect(bastion.tried).toEqual([]);
  });

  test('no answer ends it', async () => {
    await using bastion = await startBastion(wantsPassword('hunter2'));
    await expect(login(bastion.request, scriptedPrompter())).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('no answer was given'),
    });
  });

  test('that must be changed is an error', async () => {
    await using bastion = await startBastion((context) => {
      if (context.method === 'password') context.requestChange('old one', () => {});
      else context.reject(['password']);
    });
    await expect(login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('wants the password to be changed'),
    });
  });
});

describe('keyboard-interactive', () => {
  test('goes through several rounds, showing what may be seen', async () => {
    const answers: string[][] = [];
    await using bastion = await startBastion((context) => {
      if (context.method !== 'keyboard-interactive') {
        context.reject(['keyboard-interactive']);
        return;
      }
      context.prompt([{ prompt: 'Password: ', echo: false }], 'Login', 'Be\x1b[31m careful', (first) => {
        answers.push(first);
        context.prompt(
          [
            { prompt: 'Verification code: ', echo: false },
            { prompt: 'Reason: ', echo: true },
          ],
          (second) => {
            answers.push(second);
            context.accept();
          },
        );
      });
    });
    const user = scriptedPrompter('hunter2', '123456', 'work');
    await login(bastion.request, user);
    expect(answers).toEqual([['hunter2'], ['123456', 'work']]);
    expect(user.questions).toEqual([
      '(hidden) (me@127.0.0.1) Password: ',
      '(hidden) (me@127.0.0.1) Verification code: ',
      '(me@127.0.0.1) Reason: ',
    ]);
    expect(user.shown).toEqual(['Login\nBe[31m careful']);
  });

  test('the password of the command line answers its prompt, and no other', async () => {
    const answers: string[] = [];
    await using bastion = await startBastion((context) => {
      if (context.method !== 'keyboard-interactive') {
        context.reject(['keyboard-interactive']);
        return;
      }
      context.prompt(
        ['Verification code: ', 'Password: '].map((prompt) => ({ prompt, echo: false })),
        (given) => {
          answers.push(...given);
          context.accept();
        },
      );
    });
    await login({ ...bastion.request, password: 'hunter2' }, scriptedPrompter('123456'));
    expect(answers).toEqual(['123456', 'hunter2']);
    await expect(login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining("Verification code:' and there is no terminal"),
    });
  });

  test('a bastion that refuses without asking is not asked for ever', async () => {
    await using bastion = await startBastion((context) => context.reject(['keyboard-interactive']));
    await expect(login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
    });
    expect(bastion.tried).toHaveLength(3);
  });

  test('is a second step after another method (partial success)', async () => {
    await using bastion = await startBastion((context, attempts) => {
      if (attempts === 0) context.reject(['password']);
      else if (context.method === 'password') context.reject(['keyboard-interactive'], true);
      else if (context.method === 'keyboard-interactive') {
        context.prompt([{ prompt: 'Code: ', echo: false }], ([code]) =>
          code === '42' ? context.accept() : context.reject(['keyboard-interactive']),
        );
      }
    });
    const user = scriptedPrompter('41', '42');
    await login({ ...bastion.request, password: 'hunter2' }, user);
    expect(bastion.tried).toEqual(['password', 'keyboard-interactive', 'keyboard-interactive']);
  });
});

test('nothing that we can do is an error that names what the bastion wants', async () => {
  await using bastion = await startBastion((context) => context.reject(['hostbased' as 'none']));
  await expect(login(bastion.request, scriptedPrompter())).rejects.toMatchObject({
    code: 'ERR_BASTION_AUTH',
    message: expect.stringContaining('there was nothing to offer it; it still wants hostbased'),
  });
});

test('the banner is shown without its control characters, or logged', async () => {
  await using bastion = await startBastion(
    (context) => context.accept(),
    'Authorised\x07 users\x1b[2J only\r\n',
  );
  const user = scriptedPrompter();
  await login(bastion.request, user);
  expect(user.shown).toEqual(['Authorised users[2J only']);
  expect((await login(bastion.request, { ...NO_TERMINAL })).join('\n')).toContain(
    'info banner of the bastion: Authorised users[2J only',
  );
});
