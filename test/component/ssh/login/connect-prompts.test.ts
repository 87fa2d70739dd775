import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import ssh2, { type AuthContext } from 'ssh2';
import { describe, expect, test } from 'vitest';
import type { SshRequest } from '../../../../src/ssh/config/request.ts';
import { resolveTarget } from '../../../../src/ssh/config/target.ts';
import type { Prompter } from '../../../../src/ssh/prompter.ts';
import { connectBastion } from '../../../../src/ssh/ssh2/connection/connect.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NO_TERMINAL, scriptedPrompter } from '../../../support/in-process/scripted-prompter.ts';
import { generateKeyPair } from '../../../support/in-process/ssh2-key.ts';

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
  const hostKeys = [generateKeyPair().private];
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

/** How often the last login may have needed somebody. */
let interactions = 0;

async function login(
  request: SshRequest,
  prompter: Prompter,
  ...options: string[]
): Promise<readonly string[]> {
  interactions = 0;
  const onInteractive = (): void => {
    interactions += 1;
  };
  const logger = recordingLogger();
  const { signal } = new AbortController();
  const target = await resolveTarget(
    { ...request, options: [...options, ...request.options] },
    { logger, signal },
  );
  try {
    const bastion = await connectBastion(target, {
      logger,
      prompter,
      signal,
      onInteractive,
      beforeDial: async () => {},
    });
    const closed = once(bastion.socket, 'close');
    bastion.client.end();
    await closed;
  } finally {
    expect(logger.lines.join('\n')).not.toMatch(/hunter2|98765|333333/);
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
      message: expect.stringMatching(
        /refused the login; the password was refused \(2 times\); it accepts: password$/,
      ),
      remedy: 'check the user name and the password',
    });
    expect(tired.questions).toHaveLength(2);
    expect(tired.shown).toEqual(['permission denied, please try again']);
  });

  test('is asked for once where a program answers: it would give the same answer again', async () => {
    await using bastion = await startBastion(wantsPassword('hunter2'));
    const program = { ...scriptedPrompter('1', '2', '3'), mayAskAgain: false };
    await expect(login(bastion.request, program)).rejects.toMatchObject({
      message: expect.stringContaining('the password was refused; it accepts: password'),
    });
    expect(program.questions).toHaveLength(1);
  });

  test('of the command line is the first answer, and needs nobody', async () => {
    await using bastion = await startBastion(wantsPassword('hunter2'));
    await login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL);
    const user = scriptedPrompter('hunter2');
    await login({ ...bastion.request, password: 'old' }, user);
    expect(user.questions).toHaveLength(1);
    expect(user.shown).toEqual(['permission denied, please try again']);
  });

  test('refused where a key would do too: that is in the remedy', async () => {
    await using bastion = await startBastion((context) => context.reject(['publickey', 'password']));
    const failure = await login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining(
        'the login; the password was refused; it accepts: publickey, password',
      ),
      remedy: 'check the user name and the password, or name a key with -i FILE',
    });
    expect(inspect(failure, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain('hunter2');
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
      message: expect.stringMatching(/refused the login: the password has to be changed first$/),
      remedy: expect.stringContaining('logging in once with: ssh -p'),
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
      message: expect.stringMatching(
        /refused the login; there was nothing.*Verification code:' and there is no terminal/,
      ),
    });
  });

  test('a bastion that refuses without asking is not asked for ever', async () => {
    await using bastion = await startBastion((context) => context.reject(['keyboard-interactive']));
    await expect(login({ ...bastion.request, password: 'hunter2' }, NO_TERMINAL)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('keyboard-interactive was refused without a question (3 times)'),
    });
    expect(bastion.tried).toHaveLength(3);
  });

  /** As Duo with autopush: it says that it has rung the telephone, and asks nothing. */
  const pushes = (context: AuthContext): void => {
    if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive']);
    else context.prompt([], 'Duo', 'Pushed a login request to\x1b[2J your phone', () => context.accept());
  };

  test('without questions needs nobody here, and is told of all the same', async () => {
    await using bastion = await startBastion(pushes);
    const log = await login(bastion.request, NO_TERMINAL);
    expect(log.join('\n')).toContain('info the bastion says: Duo Pushed a login request to[2J your phone');
    expect(interactions).toBe(1);
    const user = scriptedPrompter();
    await login(bastion.request, user);
    expect(user).toMatchObject({ questions: [], shown: ['Duo\nPushed a login request to[2J your phone'] });
  });

  test('without questions is not tried in BatchMode', async () => {
    await using bastion = await startBastion(pushes);
    await expect(login(bastion.request, NO_TERMINAL, 'BatchMode=yes')).rejects.toMatchObject({
      message: expect.stringContaining('keyboard-interactive was not tried: there is no terminal to ask on'),
    });
    expect(bastion.tried).toEqual([]);
  });

  test('with a question, and nobody to ask, ends there, and is tried once', async () => {
    await using bastion = await startBastion((context) => {
      if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive']);
      else
        context.prompt([], () => context.prompt([{ prompt: 'Code: ', echo: false }], () => context.accept()));
    });
    await expect(login(bastion.request, NO_TERMINAL)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringMatching(/Code:' and there is no terminal to ask on/),
    });
    expect(bastion.tried).toEqual(['keyboard-interactive']);
  });

  test('without questions that refuses is not tried again', async () => {
    await using bastion = await startBastion((context) => context.reject(['keyboard-interactive']));
    await expect(login(bastion.request, NO_TERMINAL)).rejects.toMatchObject({
      message: expect.stringContaining('keyboard-interactive was refused without a question'),
    });
    expect(bastion.tried).toEqual(['keyboard-interactive']);
  });

  /** A bastion that takes each one-time code once, and a program that has answered before. */
  const takesCodes = (...codes: readonly string[]) => {
    const good = new Set(codes);
    return (context: AuthContext): void => {
      if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive']);
      else {
        context.prompt([{ prompt: 'Verification code: ', echo: false }], ([code = '']) =>
          good.delete(code) ? context.accept() : context.reject(['keyboard-interactive']),
        );
      }
    };
  };
  const program = (...answers: readonly string[]) => {
    let waits = 0;
    const waitForNextCode = async (): Promise<void> => {
      waits += 1;
    };
    return { ...scriptedPrompter(...answers), mayAskAgain: false, waitForNextCode, waits: () => waits };
  };

  test('by a program whose code has been used: the next one is waited for, once', async () => {
    await using bastion = await startBastion(takesCodes('333333'));
    const helped = program('222222', '333333');
    const log = await login(bastion.request, helped);
    expect(log.join('\n')).toContain('warn the one-time code was refused: waiting for the next one');
    expect({ asked: helped.questions.length, waits: helped.waits() }).toEqual({ asked: 2, waits: 1 });

    const wrong = program('444444', '555555', '666666');
    await expect(login(bastion.request, wrong)).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringContaining('were refused (2 times)'),
    });
    expect({ asked: wrong.questions.length, waits: wrong.waits() }).toEqual({ asked: 2, waits: 1 });
  });

  test('by a program that gives the same code again: it is not sent again', async () => {
    await using bastion = await startBastion(takesCodes());
    await expect(login(bastion.request, program('777777', '777777'))).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringMatching(/refused; .*the next one-time code is the same/),
    });
    expect(bastion.tried).toEqual(['keyboard-interactive', 'keyboard-interactive']);
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
    expect(user.shown).toEqual(['permission denied, please try again']);
    expect(bastion.tried).toEqual(['password', 'keyboard-interactive', 'keyboard-interactive']);
  });
});

test('a user name may have a blank in it, as in a directory service', async () => {
  const users: string[] = [];
  await using bastion = await startBastion((context) => {
    users.push(context.username);
    context.accept();
  });
  await login({ ...bastion.request, user: 'Some Body' }, NO_TERMINAL);
  await login({ ...bastion.request, user: undefined }, NO_TERMINAL, 'User="Some Body"');
  expect(new Set(users)).toEqual(new Set(['Some Body']));
  await expect(login({ ...bastion.request, user: 'Some -oBody' }, NO_TERMINAL)).rejects.toMatchObject({
    code: 'ERR_USAGE',
  });
});

test('no secret is in an error or the log, whatever was answered', async () => {
  await using bastion = await startBastion((context) => {
    if (context.method === 'password') context.reject(['keyboard-interactive'], true);
    else if (context.method === 'keyboard-interactive') {
      context.prompt([{ prompt: 'Code: ', echo: false }], () => context.reject(['keyboard-interactive']));
    } else context.reject(['password']);
  });
  const user = scriptedPrompter('987651', '987652', '987653');
  const failure = await login({ ...bastion.request, password: 'hunter2' }, user).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({
    message: expect.stringMatching(
      /the login; the answers to its questions were refused \(3 times\); accepted so far: password; it accepts:/,
    ),
    remedy:
      'check the user name and the answers; a one-time code counts once, and only while both clocks are right',
  });
  const shown = inspect(failure, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  expect(`${shown}${user.shown.join('')}`).not.toMatch(/hunter2|98765/);
});

test('nothing that we can do is an error that names what the bastion wants', async () => {
  await using bastion = await startBastion((context) => context.reject(['hostbased' as 'none']));
  await expect(login(bastion.request, scriptedPrompter())).rejects.toMatchObject({
    code: 'ERR_BASTION_AUTH',
    message: expect.stringContaining('there was nothing to offer it; it accepts: hostbased'),
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
