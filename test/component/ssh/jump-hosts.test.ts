import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Transport } from '../../../src/ssh/transport.ts';
import { carryFlow } from '../../support/in-process/carry-flow.ts';
import { scriptedPrompter } from '../../support/in-process/scripted-prompter.ts';
import { openSocketPair, readToEnd } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';
import { runCommand } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { type SshChain, startSshChain } from '../../support/servers/ssh-chain.ts';

let chain: SshChain;

beforeAll(async () => {
  chain = await startSshChain(3);
});

afterAll(async () => {
  await chain[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await chain.configure({});
});

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** One flow there and back, the application ending first. */
async function expectToCarry(transport: Transport, bytes: number): Promise<void> {
  await using destination = await openDestination((socket) => {
    void readToEnd(socket).then((received) => socket.end(received));
  });
  await using pair = await openSocketPair();
  const summary = carryFlow(transport, pair.accepted, { host: '127.0.0.1', port: destination.port });
  const sent = randomBytes(bytes);
  pair.application.end(sent);
  expect(digest(await readToEnd(pair.application))).toBe(digest(sent));
  expect(await summary).toEqual({ end: { kind: 'eof' }, bytesUp: bytes, bytesDown: bytes });
}

const connectionsOf = (index: number): number =>
  chain.servers[index]!.log().split('Accepted publickey').length - 1;

describe('through jump hosts', () => {
  test('-J: each with its own key and host key, only the first is dialled', async () => {
    const transport = await chain.connect({ jump: 'h1,h2' });
    expect(chain.dialled).toEqual([{ family: 4, address: '127.0.0.1', port: chain.servers[0]!.port }]);
    expect(transport.dialled).toEqual(chain.dialled[0]);
    expect(await transport.peers()).toEqual(chain.dialled);
    expect(transport.description).toMatch(/@h3 \(through \S+@h2 \(through \S+@h1 \(127\.0\.0\.1:\d+\)\)\)$/);
    await expectToCarry(transport, 3 * 1024 * 1024);
    await transport.close();
  });

  test('many flows at once, byte for byte', async () => {
    const transport = await chain.connect({ jump: 'h1' });
    await Promise.all(Array.from({ length: 50 }, () => expectToCarry(transport, 200_000)));
    await transport.close();
  });

  test('ProxyJump of the configuration is followed for every hop, and none ends it', async () => {
    await chain.configure({ h3: ['ProxyJump h2'], h2: ['ProxyJump h1'] });
    const before = connectionsOf(0);
    const transport = await chain.connect({});
    expect(connectionsOf(0)).toBe(before + 1);
    await transport.close();
    const direct = await chain.connect({ options: ['ProxyJump=none'] });
    expect(direct.description).toMatch(/@h3 \(127\.0\.0\.1:\d+\)$/);
    await direct.close();
  });

  test('a circle is a configuration error that shows it', async () => {
    await chain.configure({ h3: ['ProxyJump h2'], h2: ['ProxyJump h1'], h1: ['ProxyJump h2'] });
    await expect(chain.connect({})).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/in a circle: .* through .* through .* through /),
    });
  });

  test('closing ends every connection, the inner one first', async () => {
    const transport = await chain.connect({ jump: 'h1,h2' });
    await transport.close();
    await untilNoConnection(chain);
    await transport.close();
  });

  test('the key of a hop that is unknown is asked for by its name', async () => {
    const [, h2] = chain.servers;
    await writeFile(`${h2!.knownHosts}.empty`, '');
    await chain.configure({ h2: [`UserKnownHostsFile ${h2!.knownHosts}.empty`] });
    const user = scriptedPrompter('yes');
    const transport = await chain.connect({ jump: 'h1,h2' }, { prompter: user });
    expect(user.shown.concat(user.questions).join('\n')).toContain(
      `The authenticity of host '[127.0.0.1]:${h2!.port} (through`,
    );
    await transport.close();
  });

  test('a bastion that the hop cannot reach is told with the reason, and nothing is left', async () => {
    await expect(chain.connect({ jump: 'h1', host: '127.0.0.1', port: 9 })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringMatching(
        /^cannot reach \S+@127\.0\.0\.1:9: \S+@h1 \(.*\) cannot open a connection to 127\.0\.0\.1:9: .*refused/i,
      ),
    });
    await untilNoConnection(chain);
  });

  test('a hop that refuses our key is named', async () => {
    await chain.configure({ h1: ['PubkeyAuthentication no'] });
    await expect(chain.connect({ jump: 'h1' })).rejects.toMatchObject({
      code: 'ERR_BASTION_AUTH',
      message: expect.stringMatching(
        new RegExp(`^jump host \\S+@.*127\\.0\\.0\\.1:${chain.servers[0]!.port}.* refused the login`),
      ),
    });
  });

  test.each([
    { jump: 'nosuch.invalid', what: /^cannot resolve the jump host nosuch\.invalid: / },
    { jump: '127.0.0.1:9', what: /^cannot reach the jump host 127\.0\.0\.1: .*refused/ },
  ])('a hop that cannot be reached is called what it is: $jump', async ({ jump, what }) => {
    await expect(chain.connect({ jump })).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringMatching(what),
    });
  });

  test('a hop that dies loses the tunnel, by its name', async () => {
    await using own = await startSshChain(2);
    const transport = await own.connect({ jump: 'h1' });
    const pids = await childrenOf(own.servers[0]!.pid);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const lost = await transport.lost;
    expect(lost.code).toBe('ERR_BASTION_LOST');
    expect(lost.message).toMatch(/lost the bastion \S+@h2 .*jump host is gone: lost the jump host \S+@h1 /);
    await transport.close();
    await untilNoConnection(own);
  });

  test('an abort on the way leaves no connection', async () => {
    await using own = await startSshChain(2);
    const stop = new AbortController();
    const connecting = own.connect({ jump: 'h1' }, { signal: stop.signal });
    const refused = expect(connecting).rejects.toThrow('enough');
    await until(() => own.servers[0]!.log().includes('Accepted publickey'), {
      deadlineMs: 5_000,
      what: 'the first hop',
    });
    stop.abort(new Error('enough'));
    await refused;
    await untilNoConnection(own);
  });
});

/** sshd has a process for each of its connections. */
async function untilNoConnection({ servers }: SshChain): Promise<void> {
  await until(
    async () => (await Promise.all(servers.map(({ pid }) => childrenOf(pid)))).flat().length === 0,
    {
      deadlineMs: 5_000,
      what: () => `no connection left: ${servers.map(({ log }) => log()).join('\n\n')}`,
    },
  );
}

async function childrenOf(pid: number): Promise<number[]> {
  // pgrep(1) fails where there are none; macOS and the BSDs have it, too.
  const { stdout } = await runCommand(['pgrep', '-P', String(pid)]);
  return stdout.split('\n').filter(Boolean).map(Number);
}
