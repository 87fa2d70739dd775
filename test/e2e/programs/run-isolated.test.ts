import { chown, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipIsolated } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { prepareReader } from '../../support/readme/reader.ts';
import { readmeCommand } from '../../support/readme/readme-blocks.ts';
import { startDnsmasq } from '../../support/servers/dnsmasq.ts';
import { expectNothingLeft, READY, tshuttleArgv } from '../../support/tshuttle/tshuttle.ts';

/*
 * client ── bastion, where a web server answers directly, too ── destination 10.77.0.2
 */

const NETWORK = `${ADDRESSES.destination4}/32`;
const URL = `http://${ADDRESSES.destination4}:${HTTP_PORT}/path`;
const DIRECT_PORT = 7090;
const USER = { user: ORDINARY_USER.name };

describe.skipIf(skipIsolated)('tshuttle run --isolated, as an ordinary user who gets no root', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    const serve = (address: string) =>
      `require('node:http').createServer((request, response) => response.end('direct from ' + request.socket.remoteAddress))
         .listen(${DIRECT_PORT}, '${address}', () => console.log('ready'))`;
    await lab.bastion.spawn(['node', '-e', serve(ADDRESSES.bastion4)]).untilOutput(/ready/);
  });
  afterEach(async () => {
    for (const pid of await lab.client.pids()) process.kill(pid, 'SIGKILL');
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const argvOf = (command: readonly string[], args: readonly string[] = [NETWORK]): readonly string[] => {
    const [node = '', script = '', ...options] = tshuttleArgv(lab, args, USER);
    return [
      'setpriv',
      '--no-new-privs',
      '--',
      node,
      script,
      'run',
      '--isolated',
      ...options,
      '--',
      ...command,
    ];
  };
  const run = (command: readonly string[], args?: readonly string[]) =>
    lab.client.exec(argvOf(command, args), USER);

  it('what is captured goes through the bastion, all else directly, and the machine is as it was', async () => {
    const state = async () => [
      await lab.client.rules(),
      await lab.client.ip('route'),
      await lab.client.ip('-6 route'),
    ];
    const before = await state();
    const script = `curl -sS -m 10 ${URL} && echo && curl -sS -m 10 http://${ADDRESSES.bastion4}:${DIRECT_PORT}/; echo; cat`;
    const child = lab.client.spawn(argvOf(['sh', '-c', script]), { ...USER, interactive: true });
    await child.untilOutput(/direct from/, 30_000);
    expect(await state()).toEqual(before);
    child.kill('SIGTERM');
    const result = await child.exited;
    expect(result, result.stderr).toMatchObject({
      code: 143,
      stdout: `${ADDRESSES.bastionInner4} asked for /path\ndirect from ${ADDRESSES.client4}\n`,
    });
    await expectNothingLeft(lab);
  });

  it('does so in CI, as README has it', async () => {
    const reader = await prepareReader(lab, { user: ORDINARY_USER.name });
    const write = async (name: string, text: string, mode: number): Promise<void> => {
      await writeFile(join(reader.folder, name), text, { mode });
      await chown(join(reader.folder, name), ORDINARY_USER.id, ORDINARY_USER.id);
    };
    await write('deploy_key', await readFile(lab.sshd.userKey, 'utf8'), 0o600);
    await write('deploy.sh', `#!/bin/sh\nexec curl -sS -m 10 ${URL}\n`, 0o755);
    const command = readmeCommand(
      'tshuttle run --isolated -r ci@bastion.example.com -i deploy_key 10.0.0.0/8 -- ./deploy.sh',
    );
    const result = await lab.client.exec(['setpriv', '--no-new-privs', '--', ...reader.typed(command)], USER);
    expect(result, result.stderr).toMatchObject({
      code: 0,
      stdout: `${ADDRESSES.bastionInner4} asked for /path`,
    });
    await expectNothingLeft(lab);
  });

  it("ssh takes the machine's own configuration, whose included files belong to root", async () => {
    const result = await run(['ssh', '-G', 'vsock/3']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('proxycommand /usr/lib/systemd/systemd-ssh-proxy');
    await expectNothingLeft(lab);
  });

  it('a name of a zone is resolved behind the bastion, and others as ever', async () => {
    const inner = await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: ADDRESSES.destination4,
      hosts: [`${ADDRESSES.destination4} web.inner.example`],
      options: ['--local=/inner.example/'],
    });
    const outer = await startDnsmasq(lab, lab.client, {
      name: 'outer',
      listenAddress: '127.0.0.1',
      hosts: [`${ADDRESSES.bastion4} www.public.example`],
      options: ['--local=/public.example/'],
    });
    const options = ['--domain', 'inner.example', '--to-ns', ADDRESSES.destination4, NETWORK];
    const inside = `curl -sS -m 10 http://web.inner.example:${HTTP_PORT}/path`;
    const outside = `curl -sS -m 10 http://www.public.example:${DIRECT_PORT}/`;
    const result = await run(
      ['sh', '-c', `${inside} && echo && ${outside} && dig +short +tcp www.public.example`],
      options,
    );
    expect(result, result.stderr).toMatchObject({
      code: 0,
      stdout: `${ADDRESSES.bastionInner4} asked for /path\ndirect from ${ADDRESSES.client4}${ADDRESSES.bastion4}\n`,
    });
    expect(await inner.log()).toContain('web.inner.example');
    expect(await inner.log()).not.toContain('www.public.example');
    expect(await outer.log()).not.toContain('web.inner.example');
  });

  it('200 flows at once, both ways, with half-close', async () => {
    const request = { do: 'together', host: ADDRESSES.destination4, port: 7000, count: 200, bytes: 65_536 };
    const result = await run(['node', 'test/support/lab/client.entry.mjs', JSON.stringify(request)]);
    expect(JSON.parse(result.stdout), result.stderr).toMatchObject({ exact: true });
  });

  it('this machine cannot be reached, and a refused connection is reset', async () => {
    const listen = (address: string) =>
      `require('node:net').createServer((socket) => socket.end('reached')).listen(${DIRECT_PORT}, '${address}', () => console.log('ready'))`;
    await lab.client.spawn(['node', '-e', listen('0.0.0.0')]).untilOutput(/ready/);
    const addresses = ['127.0.0.1', '127.1.2.3', '0.0.0.0', ADDRESSES.client4];
    const script = `for a in ${addresses.join(' ')}; do curl -sS -m 5 telnet://$a:${DIRECT_PORT} 2>/dev/null; echo $a $?; done`;
    for (const captured of [NETWORK, '0/0']) {
      const { stdout } = await run(['sh', '-c', script], [captured]);
      const outcomes = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' '));
      expect(outcomes, captured).toEqual(
        addresses.map((address) => [address, expect.toBeOneOf(['7', '56'])]),
      );
    }
    const refused = await run(['curl', '-sS', '-m', '5', `http://${ADDRESSES.bastion4}:9/`]);
    // The reset may come while curl still connects (7), or after that (56), and before its own time is over (28).
    expect([7, 56], refused.stderr).toContain(refused.code);
  });

  it('the command keeps its user and folder, and has no power over its network', async () => {
    const script =
      'id -u; id -g; pwd; grep CapEff /proc/self/status; nft list ruleset 2>/dev/null || echo refused';
    const { stdout } = await run(['sh', '-c', script]);
    const id = String(ORDINARY_USER.id);
    const here = await lab.client.exec(['pwd'], USER);
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      id,
      id,
      here.stdout.trim(),
      'CapEff:\t0000000000000000',
      'refused',
    ]);
  });

  it("the exit code is the command's, or says how it ended", async () => {
    expect((await run(['sh', '-c', 'exit 3'])).code).toBe(3);
    expect((await run(['sh', '-c', 'kill -TERM $$'])).code).toBe(143);
    expect(await run(['no-such-command'])).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('no-such-command: '),
    });
    expect((await run(['/etc/passwd'])).code).toBe(126);
  });

  it('where no namespace can be had, that is said with what to do, and the command is not started', async () => {
    const argv = argvOf(['/bin/echo', 'started']).slice(4);
    const result = await lab.client.exec(['/usr/bin/env', 'PATH=/nowhere', process.execPath, ...argv], USER);
    expect(result).toMatchObject({
      code: 77,
      stdout: '',
      stderr: expect.stringMatching(
        /tshuttle: no network namespace can be had: .*unshare[\s\S]*--rootless does without/,
      ),
    });
  });

  it('Ctrl-C ends the command, and leaves nothing', async () => {
    const line = argvOf(['sh', '-c', "'echo ready; exec sleep 60'"]).join(' ');
    const child = lab.client.spawn(['script', '-qec', line, '/dev/null'], { ...USER, interactive: true });
    await child.untilOutput(/^ready/m, 30_000);
    child.write('\u0003');
    expect(await child.exited).toMatchObject({ code: 130 });
    await expectNothingLeft(lab);
  });

  it('kill -9 ends the command with all that it has started, and the namespace', async () => {
    const child = lab.client.spawn(
      argvOf(['sh', '-c', 'trap "" TERM; sleep 60 & echo "command $$ $!"; wait']),
      USER,
    );
    const [text] = await child.untilOutput(/^command \d+ \d+$/m, 30_000);
    const pids = /command (\d+) (\d+)/.exec(text)!.slice(1);
    child.kill('SIGKILL');
    await until(
      async () => {
        const alive = await Promise.all(
          pids.map((pid) => readlink(`/proc/${pid}/ns/net`).then(Boolean, () => false)),
        );
        return !alive.includes(true);
      },
      { deadlineMs: 5_000, what: 'no process of the command left' },
    );
    await expectNothingLeft(lab);
  });

  it('--namespace-pid captures in a namespace of the user’s own, and in no other', async () => {
    const inner = await startDnsmasq(lab, lab.destination, {
      name: 'inner-of-namespace',
      listenAddress: ADDRESSES.otherDestination4,
      hosts: [`${ADDRESSES.destination4} web.inner.example`],
    });
    // As Docker has it: a nameserver that answers within alone.
    const resolvConf = join(lab.machine.homeOf(ORDINARY_USER.name), 'resolv.conf');
    await writeFile(resolvConf, 'nameserver 127.0.0.11\n');
    const script = `ip link set lo up; ip addr add 127.0.0.11/32 dev lo; ip route add default dev lo src 127.0.0.1
      mount --bind ${resolvConf} /etc/resolv.conf
      exec dnsmasq -d -C /dev/null --no-resolv --no-hosts --bind-interfaces --listen-address=127.0.0.11 \
        --host-record=www.public.example,192.0.2.7`;
    const within = ['unshare', '--user', '--map-root-user', '--net', '--mount', 'sh', '-euc', script];
    const container = lab.client.spawn(['setpriv', '--no-new-privs', '--', ...within], USER);
    await container.untilOutput(/started/);
    const target = ['--target', `${container.pid}`, '--user', '--net', '--mount'];
    const enter = ['nsenter', ...target, '--preserve-credentials'];
    const args = ['--domain', 'inner.example', '--to-ns', ADDRESSES.otherDestination4, NETWORK];
    const argvFor = (pid: number) => [
      ...['setpriv', '--no-new-privs', '--'],
      ...tshuttleArgv(lab, ['--namespace-pid', `${pid}`, ...args], USER),
    ];
    const tshuttle = lab.client.spawn(argvFor(container.pid), USER);
    await tshuttle.untilOutput(READY, 30_000);
    const asked = `curl -sS -m 10 http://web.inner.example:${HTTP_PORT}/path; echo; curl -sS -m 10 ${URL}; echo
      dig +short www.public.example; dig +short +tcp www.public.example`;
    const answered = await lab.client.exec([...enter, 'sh', '-c', asked], USER);
    const fetched = `${ADDRESSES.bastionInner4} asked for /path\n`;
    expect(answered, answered.stderr + tshuttle.stderr).toMatchObject({
      stdout: `${fetched}${fetched}192.0.2.7\n192.0.2.7\n`,
    });
    expect(await inner.log()).not.toContain('www.public.example');
    tshuttle.kill('SIGTERM');
    expect(await tshuttle.exited).toMatchObject({ code: 0 });
    const rules = await lab.client.exec([...enter, 'nft', 'list', 'ruleset'], USER);
    expect(rules).toMatchObject({ code: 0, stdout: '' });
    container.kill('SIGKILL');
    await container.exited;

    // Root's, in the bastion: the kernel says who may.
    const [others = 0] = await lab.bastion.pids();
    const refused = await lab.client.exec(argvFor(others), USER);
    expect(refused).toMatchObject({ code: 77 });
    expect(refused.stderr).toContain(`the network namespace of process ${others} cannot be entered`);
    await expectNothingLeft(lab);
  });
});
