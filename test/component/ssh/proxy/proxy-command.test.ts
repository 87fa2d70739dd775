import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startProxyCommand } from '../../../../src/ssh/proxy/proxy-command.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { readToEnd } from '../../../support/in-process/socket-pair.ts';
import { openDestination } from '../../../support/in-process/ssh2-pair.ts';
import { buildModule } from '../../../support/process/built-module.ts';
import { until } from '../../../support/process/until.ts';
import { startSshChain } from '../../../support/servers/ssh-chain.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tshuttle-proxy-command-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const { signal } = new AbortController();

async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return status !== '' && !/^State:\s+Z/m.test(status);
}

/** The ids that a command has written, once it has. */
async function pidsIn(file: string, count: number): Promise<number[]> {
  let pids: number[] = [];
  await until(
    async () => {
      const text = await readFile(file, 'utf8').catch(() => '');
      pids = text.split('\n').filter(Boolean).map(Number);
      return pids.length === count;
    },
    { deadlineMs: 5_000, what: `${count} process ids in ${file}` },
  );
  return pids;
}

async function untilGone(pids: readonly number[]): Promise<void> {
  await until(async () => !(await Promise.all(pids.map(isRunning))).includes(true), {
    deadlineMs: 3_000,
    what: `no process left of ${pids.join(' ')}`,
  });
}

describe('a ProxyCommand', () => {
  test('has one socket for both directions, and its standard error goes to the log', async () => {
    const logger = recordingLogger();
    const command = await startProxyCommand(
      'sh -c "echo hello >&2; cat; printf \'a\\033[1mb\' >&2; exit 3"',
      {
        logger,
        signal,
      },
    );
    command.socket.end('there and back');
    expect((await readToEnd(command.socket)).toString()).toBe('there and back');
    expect(await command.ending()).toBe("ended with status 3, saying 'a[1mb'");
    expect(logger.lines).toEqual(['info ProxyCommand: hello', 'info ProxyCommand: a[1mb']);
    await command.end();
    await command.end();
  });

  test('floods neither the log nor the memory', async () => {
    const logger = recordingLogger();
    const flood = 'yes 0123456789 | head -5000 >&2; head -c 2000000 /dev/zero | tr "\\0" x >&2';
    const command = await startProxyCommand(`sh -c '${flood}'`, { logger, signal });
    await until(async () => (await command.ending()) !== undefined, { deadlineMs: 9_000, what: 'its end' });
    expect(logger.lines).toHaveLength(201);
    expect((await command.ending())?.length).toBeLessThan(1_100);
    await command.end();
  });

  test('begins only when its process was prepared, and it is that process', async () => {
    const file = join(directory, 'pid');
    let prepared: number | undefined;
    const command = await startProxyCommand(`sh -c 'echo $$ > ${file}; cat'`, {
      logger: recordingLogger(),
      signal,
      beforeProxyCommand: async (pid) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(await readFile(file, 'utf8').catch(() => 'not there')).toBe('not there');
        prepared = pid;
      },
    });
    expect(await pidsIn(file, 1)).toEqual([prepared]);
    await command.end();
    await untilGone([prepared!]);
  });

  test('never begins when that fails', async () => {
    const file = join(directory, 'ran');
    const starting = startProxyCommand(`touch ${file}`, {
      logger: recordingLogger(),
      signal,
      beforeProxyCommand: async () => {
        throw new Error('no cgroup');
      },
    });
    await expect(starting).rejects.toThrow('no cgroup');
    expect(await readFile(file, 'utf8').catch(() => 'not there')).toBe('not there');
  });

  test.each([
    [
      'a pipeline',
      (file: string) => `sh -c 'echo $$ >> ${file}; cat | (sh -c "echo \\$\\$ >> ${file}; exec sleep 60")'`,
    ],
    [
      'what ignores SIGHUP',
      (file: string) => `sh -c 'trap "" HUP; echo $$ >> ${file}; sleep 60 & echo $! >> ${file}; wait'`,
    ],
  ])('%s is ended whole', async (_name, commandLine) => {
    const file = join(directory, 'pids');
    const command = await startProxyCommand(commandLine(file), { logger: recordingLogger(), signal });
    const pids = await pidsIn(file, 2);
    await command.end();
    await untilGone(pids);
  });

  test('and all it has started end with us, also by SIGKILL', async () => {
    const file = join(directory, 'pids');
    // It holds on to nothing of ours that would end it.
    const stubborn = `sh -c 'echo $$ >> ${file}; sleep 60 </dev/null >/dev/null 2>&1 & echo $! >> ${file}; exec </dev/null >/dev/null 2>&1; sleep 60'`;
    const script = join(directory, 'us.mjs');
    const module = resolve(await buildModule('src/ssh/proxy/proxy-command.ts'));
    await writeFile(
      script,
      `import { startProxyCommand } from ${JSON.stringify(module)};
       const logger = { info() {}, debug() {}, warn() {}, error() {} };
       await startProxyCommand(${JSON.stringify(stubborn)}, { logger, signal: new AbortController().signal });
       setInterval(() => {}, 1000);`,
    );
    const us = spawn(process.execPath, [script], { stdio: 'inherit' });
    const pids = await pidsIn(file, 2);
    us.kill('SIGKILL');
    await once(us, 'exit');
    await untilGone(pids);
  });
});

describe('a bastion behind a ProxyCommand', () => {
  test('is reached by ssh -W as by ssh itself; nothing is dialled by us', async () => {
    await using chain = await startSshChain(2);
    const [gate] = chain.servers;
    const ssh = `ssh -F none -i ${gate!.directory}/user_key -o UserKnownHostsFile=${gate!.knownHosts} -p ${gate!.port}`;
    await chain.configure({ h2: [`ProxyCommand ${ssh} -W [%h]:%p 127.0.0.1`] });
    let pid: number | undefined;
    const transport = await chain.connect(
      {},
      {
        beforeProxyCommand: async (started) => {
          pid = started;
        },
      },
    );
    expect(transport.description).toMatch(/@h2 \(by ProxyCommand\)$/);
    expect(transport.dialled).toBeUndefined();
    // Only Linux tells where processes are connected to.
    expect(await transport.peers()).toEqual(
      process.platform === 'linux' ? [{ family: 4, address: '127.0.0.1', port: gate!.port }] : [],
    );
    expect(chain.dialled).toEqual([]);
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(bytes));
    });
    const sockets = await Promise.all(
      Array.from({ length: 20 }, () => transport.open({ host: '127.0.0.1', port: destination.port }, signal)),
    );
    const sent = Buffer.alloc(300_000, 'x');
    for (const socket of sockets) socket.end(sent);
    for (const socket of sockets) expect((await readToEnd(socket)).equals(sent)).toBe(true);
    await transport.close();
    await untilGone([pid!]);
  });

  test('that fails is told with its status and its last words', async () => {
    await using chain = await startSshChain(1);
    await chain.configure({ h1: ["ProxyCommand sh -c 'echo cannot find the gate >&2; exit 7'"] });
    await expect(chain.connect({})).rejects.toMatchObject({
      code: 'ERR_BASTION_UNREACHABLE',
      message: expect.stringMatching(
        /\(by ProxyCommand\).* (?:closed|reset) the connection; the ProxyCommand ended with status 7, saying 'cannot find the gate'$/,
      ),
      remedy: expect.stringContaining('cannot find the gate'),
    });
  });

  test('is lost, with the reason, when its ProxyCommand ends', async () => {
    await using chain = await startSshChain(1);
    const [server] = chain.servers;
    const ssh = `ssh -F none -i ${server!.directory}/user_key -o UserKnownHostsFile=${server!.knownHosts}`;
    await chain.configure({ h1: [`ProxyCommand ${ssh} -W %h:%p -p %p %h`] });
    let pid = 0;
    const transport = await chain.connect(
      {},
      {
        beforeProxyCommand: async (started) => {
          pid = started;
        },
      },
    );
    process.kill(pid, 'SIGTERM');
    expect(await transport.lost).toMatchObject({
      code: 'ERR_BASTION_LOST',
      // ssh handles the signal; some versions say so.
      message: expect.stringMatching(
        /it (?:closed|reset) the connection; the ProxyCommand ended with status \d+/,
      ),
    });
    await transport.close();
  });

  test('leaves no process when the connecting is given up', async () => {
    await using chain = await startSshChain(1);
    await chain.configure({ h1: ['ProxyCommand sleep 60'] });
    const stop = new AbortController();
    let pid = 0;
    const connecting = chain.connect(
      {},
      {
        signal: stop.signal,
        beforeProxyCommand: async (started) => {
          pid = started;
          setTimeout(() => stop.abort(new Error('enough')), 100);
        },
      },
    );
    await expect(connecting).rejects.toThrow('enough');
    await untilGone([pid]);
  });
});
