import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { expectNothingLeft, tshuttleArgv } from '../../support/tshuttle/tshuttle.ts';

/*
 * client ── bastion, where a web server answers directly, too ── destination 10.77.0.2
 */

const NETWORK = `${ADDRESSES.destination4}/32`;
const URL = `http://${ADDRESSES.destination4}:${HTTP_PORT}/path`;
const DIRECT_PORT = 7090;

describe.skipIf(skipLab)('tshuttle run', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    const direct = lab.bastion.spawn([
      'node',
      '-e',
      `require('node:http').createServer((request, response) => response.end('direct from ' + request.socket.remoteAddress))
         .listen(${DIRECT_PORT}, '${ADDRESSES.bastion4}', () => console.log('ready'))`,
    ]);
    await direct.untilOutput(/ready/);
  });
  afterEach(async () => {
    for (const pid of await lab.client.pids()) process.kill(pid, 'SIGKILL');
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  type Way = 'redirect' | 'rootless';
  const argvOf = (
    way: Way,
    args: readonly string[],
    command: readonly string[],
    remote: { readonly remote?: string } = {},
  ): readonly string[] => {
    const user = way === 'redirect' ? {} : { user: ORDINARY_USER.name };
    const [node = '', script = '', ...options] = tshuttleArgv(lab, args, { ...user, ...remote });
    const mode = way === 'redirect' ? [] : ['--rootless'];
    return [node, script, 'run', ...options, ...mode, NETWORK, '--', ...command];
  };
  const userOf = (way: Way) => (way === 'redirect' ? {} : { user: ORDINARY_USER.name });
  const run = (way: Way, command: readonly string[], args: readonly string[] = []) =>
    lab.client.exec(argvOf(way, args, command), userOf(way));
  const start = (way: Way, command: readonly string[]) =>
    lab.client.spawn(argvOf(way, [], command), userOf(way));

  const WAYS: readonly Way[] = ['redirect', 'rootless'];

  it.each(WAYS)('%s: what is captured goes through the bastion, and nothing else does', async (way) => {
    const script = `curl -sS -m 10 ${URL} && echo && curl -sS -m 10 http://${ADDRESSES.bastion4}:${DIRECT_PORT}/`;
    const probe = ['--probe', `${ADDRESSES.destination4}:${HTTP_PORT}`];
    const result = await run(way, ['sh', '-c', script], probe);
    expect(result, result.stderr).toMatchObject({
      code: 0,
      stdout: `${ADDRESSES.bastionInner4} asked for /path\ndirect from ${ADDRESSES.client4}`,
    });
    await expectNothingLeft(lab);
  });

  it.each(WAYS)("%s: the exit code is the command's, or says how it ended", async (way) => {
    const codeOf = async (...command: string[]) => (await run(way, command)).code;
    expect(await codeOf('sh', '-c', 'exit 3')).toBe(3);
    expect(await codeOf('sh', '-c', 'kill -TERM $$')).toBe(143);
    const missing = await run(way, ['no-such-command']);
    expect(missing).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('tshuttle: no-such-command: '),
    });
    expect(await codeOf('/etc/passwd')).toBe(126);
    // Options of the command's, @ and all, are its own.
    expect((await run(way, ['echo', '-v', '--rootless', '@file'])).stdout).toBe('-v --rootless @file\n');
  });

  it.each(WAYS)('%s: a signal is passed on, and the tunnel ends with the command', async (way) => {
    const ready =
      'trap "echo got; exit 5" TERM; trap "echo user" USR1; echo ready; while :; do sleep 0.1; done';
    const child = start(way, ['sh', '-c', ready]);
    await child.untilOutput(/^ready$/m, 20_000);
    child.kill('SIGUSR1');
    await child.untilOutput(/^user$/m);
    child.kill('SIGTERM');
    expect(await child.exited).toMatchObject({ code: 5, stdout: 'ready\nuser\ngot\n' });
    await expectNothingLeft(lab);
  });

  it.each(WAYS)('%s: Ctrl-C ends the command, and leaves nothing', async (way) => {
    const line = argvOf(way, [], ['sh', '-c', "'echo ready; exec sleep 60'"]).join(' ');
    const child = lab.client.spawn(['script', '-qec', line, '/dev/null'], {
      ...userOf(way),
      interactive: true,
    });
    await child.untilOutput(/^ready/m, 20_000);
    child.write('\u0003');
    expect(await child.exited).toMatchObject({ code: 130 });
    await expectNothingLeft(lab);
  });

  it('--only: what the command and its children open is captured, and nothing that others of the user open meanwhile', async () => {
    await lab.client.must(['mount', '-t', 'cgroup2', 'none', '/sys/fs/cgroup']);
    const user = { user: ORDINARY_USER.name };
    const direct = `http://${ADDRESSES.bastion4}:${DIRECT_PORT}/`;
    const ask = ['curl', '-sS', '-m', '10', direct];
    const argv = (method: string, ...command: string[]) => {
      const [node = '', script = '', ...options] = tshuttleArgv(lab, ['--method', method], user);
      const networks = [NETWORK, `${ADDRESSES.bastion4}/32:${DIRECT_PORT}`];
      return [node, script, 'run', '--only', ...options, ...networks, '--', ...command];
    };
    const inside = `(${ask.join(' ')}; echo) & wait; curl -sS -m 10 ${URL}; echo; sed -n 's/^0:://p' /proc/self/cgroup; id -un
      trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done`;
    const child = lab.client.spawn(argv('auto', 'sh', '-c', inside), user);
    await child.untilOutput(/^ready$/m, 20_000);
    const [first, second, cgroup = '', name] = child.stdout.split('\n');
    expect(first, child.stderr).toMatch(/^direct from /);
    expect(first).not.toBe(`direct from ${ADDRESSES.client4}`);
    expect(second).toBe(`${ADDRESSES.bastionInner4} asked for /path`);
    expect(cgroup).toMatch(new RegExp(`/tshuttle-${ORDINARY_USER.id}-[\\d-]+$`));
    expect(name).toBe(ORDINARY_USER.name);
    const other = await lab.client.exec(ask, user);
    expect(other, other.stderr).toMatchObject({ stdout: `direct from ${ADDRESSES.client4}` });
    child.kill('SIGTERM');
    expect(await child.exited).toMatchObject({ code: 5 });
    const isThere = async (path: string) =>
      (await lab.client.exec(['test', '-d', `/sys/fs/cgroup${path}`])).code === 0;
    expect(await isThere(cgroup)).toBe(false);
    await expectNothingLeft(lab);
    expect(await lab.client.exec(argv('auto', 'no-such-command'), user)).toMatchObject({ code: 127 });

    // SIGKILL of everything of ours: the command goes on, direct, and what it is in goes when it has ended.
    const killed = lab.client.spawn(
      argv('tproxy', 'sh', '-c', `curl -sS ${URL}; cat /proc/self/cgroup; echo $$ ready; exec sleep 60`),
      user,
    );
    await killed.untilOutput(/ready$/m, 20_000);
    expect(killed.stdout, killed.stderr).toMatch(`${ADDRESSES.bastionInner4} asked for /path`);
    const still = await lab.client.exec(ask, user);
    expect(still, still.stderr).toMatchObject({ stdout: `direct from ${ADDRESSES.client4}` });
    const left = /0::(.*)$/m.exec(killed.stdout)?.[1] ?? '';
    const command = Number(/^(\d+) ready$/m.exec(killed.stdout)?.[1]);
    for (const pid of await lab.client.pids()) if (pid !== command) process.kill(pid, 'SIGKILL');
    expect(await isThere(left)).toBe(true);
    process.kill(command, 'SIGKILL');
    const cleaned = await lab.client.exec(['node', 'bin/tshuttle', 'cleanup']);
    expect(cleaned, cleaned.stderr).toMatchObject({ code: 0 });
    expect(await isThere(left)).toBe(false);
    await expectNothingLeft(lab);
  });

  it('in a tunnel that is up already: Ctrl-C ends the command, and the tunnel stays', async () => {
    const up = await lab.client.exec(tshuttleArgv(lab, ['-D', NETWORK]));
    expect(up, up.stderr).toMatchObject({ code: 0 });
    const logins = () => lab.sshd.log().match(/Accepted publickey/g)?.length;
    const before = logins();
    const onTerminal = async (script: string) => {
      // Without exec the shell in between would die of the signal itself.
      const line = ['exec', ...argvOf('redirect', [], ['sh', '-c', `'${script}'`])].join(' ');
      const child = lab.client.spawn(['script', '-qec', line, '/dev/null'], { interactive: true });
      await child.untilOutput(/^ready/m, 20_000);
      child.write('\u0003');
      return await child.exited;
    };
    expect(await onTerminal('echo ready; exec sleep 60')).toMatchObject({ code: 130 });
    const trapped = await onTerminal('trap "echo got; exit 7" INT; echo ready; while :; do sleep 0.1; done');
    expect(trapped).toMatchObject({ code: 7 });
    expect(trapped.stdout.match(/got/g)).toHaveLength(1);
    expect(await run('redirect', ['curl', '-sS', '-m', '10', URL])).toMatchObject({
      code: 0,
      stdout: `${ADDRESSES.bastionInner4} asked for /path`,
    });
    expect(logins()).toBe(before);
    expect(await lab.client.exec(['node', 'bin/tshuttle', 'down', '--all'])).toMatchObject({ code: 0 });
    await expectNothingLeft(lab);
  });

  it('rootless: the password is in the environment of the command, and nowhere else', async () => {
    const { stdout, stderr } = await run('rootless', ['env'], ['-vv']);
    const variables = new Map(stdout.split('\n').map((line) => line.split(/=(.*)/s, 2) as [string, string]));
    const password = /^http:\/\/tshuttle:([\w-]{32})@127\.0\.0\.1:\d+$/.exec(
      variables.get('HTTPS_PROXY') ?? '',
    )?.[1];
    expect(password).toBeDefined();
    expect(variables.get('all_proxy')).toMatch(
      new RegExp(`^socks5h://tshuttle:${password}@127\\.0\\.0\\.1:`),
    );
    for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']) {
      expect(variables.get(name)).toBe(variables.get(name.toUpperCase()));
    }
    expect(stderr).not.toContain(password);
  });

  it('ours are only the failures before the command starts', async () => {
    const failed = await lab.client.exec(
      argvOf('rootless', [], ['echo', 'started'], { remote: 'root@198.51.100.77' }),
      {
        ...userOf('rootless'),
      },
    );
    expect(failed).toMatchObject({ code: 68, stdout: '', stderr: expect.stringMatching(/^tshuttle: /m) });
    const without = await lab.client.exec(['node', 'bin/tshuttle', 'run', '-r', 'h', NETWORK]);
    expect(without).toMatchObject({ code: 64, stderr: expect.stringContaining('needs a command behind --') });
  });

  it('without root and sudo the command gets proxies', async () => {
    const argv = argvOf('rootless', ['--method', 'nft'], ['curl', '-sS', '-m', '10', URL]);
    const withoutSudo = ['setpriv', '--no-new-privs', '--', ...argv.filter((word) => word !== '--rootless')];
    const result = await lab.client.exec(withoutSudo, userOf('rootless'));
    expect(result, result.stderr).toMatchObject({
      code: 0,
      stdout: `${ADDRESSES.bastionInner4} asked for /path`,
      stderr: expect.stringContaining('the command gets proxies instead'),
    });
  });

  it('kill -9 leaves no rule and no proxy', async () => {
    const child = start('redirect', ['sh', '-c', 'echo ready; exec sleep 2']);
    await child.untilOutput(/^ready$/m, 20_000);
    child.kill('SIGKILL');
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
    await expectNothingLeft(lab);
  });
});
