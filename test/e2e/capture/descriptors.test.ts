import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { buildModule } from '../../support/process/built-module.ts';
import { runCommand } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { expectNothingLeft, READY, stopTshuttle, tshuttleArgv } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination         a process that may open few files, and more that comes than it can have
 */

const SUBNET = '10.77.0.0/24';
const METRICS_PORT = 9464;
const HTTP_PORT = 8080;
const SOCKS_PORT = 1080;

/** Connects so often, and prints what became of each as soon as all is known; those that were served stay. */
const CROWD = `
const { connect } = require('node:net');
const [host, port, count] = process.argv.slice(1);
const outcomes = {};
let open = Number(count);
const settle = (outcome) => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  open -= 1;
  if (open === 0) console.log(JSON.stringify(outcomes));
};
for (let index = 0; index < count; index += 1) {
  let isSettled = false;
  const once = (outcome) => { if (!isSettled) settle(outcome); isSettled = true; };
  const socket = connect({ host, port });
  socket.write('{"do":"echo"}\\n' + index);
  socket.once('data', () => once('served')).once('end', () => once('end'));
  socket.on('error', ({ code }) => once(code));
}`;

/** Starts a tshuttle that may open so many files. */
async function startLimited(lab: Lab, limit: number, args: readonly string[]) {
  const env = { XDG_RUNTIME_DIR: lab.directory };
  const argv = ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh', ...tshuttleArgv(lab, args)];
  const child = lab.client.spawn(argv, { env });
  await child.untilOutput(READY, 30_000);
  const status = async (): Promise<string> =>
    (await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json'], { env })).stdout;
  return { child, status };
}

function startCrowd(lab: Lab, count: number) {
  const child = lab.client.spawn(['node', '-e', CROWD, ADDRESSES.destination4, '7000', String(count)]);
  const outcomes = async (): Promise<Record<string, number>> =>
    JSON.parse((await child.untilOutput(/^\{.*\}$/m, 60_000))[0]);
  return { child, outcomes };
}

const count = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

describe.skipIf(skipLab)('out of descriptors', () => {
  it('what cannot be served is reset, never ended, and told; status answers, and the bastion is connected again', async () => {
    await using lab = await createLab();
    const metrics = String(METRICS_PORT);
    const { child, status } = await startLimited(lab, 128, ['--metrics', metrics, SUBNET]);
    const crowd = startCrowd(lab, 300);
    const outcomes = await crowd.outcomes();
    const { served = 0, ECONNRESET: reset = 0 } = outcomes;
    expect(outcomes).toEqual({ served, ECONNRESET: reset });
    expect([served > 30, served + reset]).toEqual([true, 300]);

    const warnings = child.stderr.split('\n').filter((line) => line.includes('out of file descriptors'));
    expect(warnings, child.stderr).toEqual([
      expect.stringMatching(/may have 128 open, of which 32 .*LimitNOFILE=.*ulimit -n .*prlimit --pid \d+/),
    ]);
    const failures = /"cause": ?"own-descriptors",\s*"count": ?(\d+)/;
    expect(count(failures, await status())).toBe(reset);
    const scrape = await lab.client.exec(['curl', '-sS', `http://127.0.0.1:${METRICS_PORT}/metrics`]);
    expect(count(/^tshuttle_failures_total\{.*cause="own-descriptors"\} (\d+)$/m, scrape.stdout)).toBe(reset);

    // Again, and now while there is no bastion: what waits has all that there is to have.
    crowd.child.kill('SIGKILL');
    await crowd.child.exited;
    await lab.sshd.stop();
    await child.untilOutput(/lost the bastion.*connections are held/);
    const waiting = startCrowd(lab, 300);
    await until(async () => count(failures, await status()) > reset + 150, {
      deadlineMs: 20_000,
      what: () => `there is no room for more: ${child.stderr}`,
    });
    await lab.sshd.restart();
    const second = await waiting.outcomes();
    expect(second).toEqual({ served: second['served'], ECONNRESET: 300 - (second['served'] ?? 0) });
    expect(second['served']).toBeGreaterThan(30);
    expect(child.stderr.match(/out of file descriptors/g)).toHaveLength(1);
    waiting.child.kill('SIGKILL');
    await waiting.child.exited;
    await stopTshuttle(lab, child);
  });

  it('1,100 idle clients of the HTTP proxy, and 1,100 of SOCKS, do not starve the redirect', async () => {
    await using lab = await createLab();
    const proxies = ['--http-proxy', String(HTTP_PORT), '--socks', String(SOCKS_PORT)];
    const { child } = await startLimited(lab, 1_024, [...proxies, SUBNET]);
    // Each is connected, or reset so soon that it never knew.
    const idle = `
      let open = 2_200;
      const settle = () => { open -= 1; if (open === 0) console.log('connected'); };
      for (const port of [${HTTP_PORT}, ${SOCKS_PORT}]) for (let index = 0; index < 1_100; index += 1) {
        let isSettled = false;
        const once = () => { if (!isSettled) settle(); isSettled = true; };
        require('node:net').connect(port, '127.0.0.1').on('connect', once).on('error', once);
      }`;
    const crowd = lab.client.spawn(['node', '-e', idle]);
    await crowd.untilOutput(/connected/, 30_000);
    const together = { do: 'together', host: ADDRESSES.destination4, port: 7000, count: 300 } as const;
    expect(await lab.application({ ...together, timeoutMs: 30_000 })).toMatchObject({ exact: true });
    expect(child.stderr).not.toContain('out of file descriptors');
    crowd.kill('SIGKILL');
    await crowd.exited;
    await stopTshuttle(lab, child);
  });
});

it('a command that is started has the soft limit that tshuttle was started with, which itself keeps the hard one', async () => {
  const script = `
    import { startCommand } from './${await buildModule('src/cli/commands/run/child-command.ts')}';
    const shell = ['sh', '-c', 'ulimit -Sn; ulimit -Hn'];
    await startCommand(shell, process.env, console.error).ended;
    console.log(/Max open files +(\\d+)/.exec((await import('node:fs')).readFileSync('/proc/self/limits', 'utf8'))[1]);`;
  const argv = [
    'sh',
    '-c',
    'ulimit -Sn 300; ulimit -Hn 4096; node --input-type=module -e "$1"; true',
    'sh',
    script,
  ];
  expect((await runCommand(argv)).stdout.trim().split('\n')).toEqual(['300', '4096', '4096']);
});

describe.skipIf(skipLab)('a proxy', () => {
  it('refuses connections until the bastion is connected, and then carries', async () => {
    await using lab = await createLab();
    const established = async (): Promise<string> => (await lab.client.exec(['ss', '-Htn'])).stdout;
    const curl = (): ReturnType<Lab['client']['exec']> =>
      lab.client.exec([
        ...['curl', '-sS', '-m', '10', '--socks5-hostname', `127.0.0.1:${SOCKS_PORT}`],
        `http://${ADDRESSES.destination4}:7080/path`,
      ]);
    const signalSshd = async (signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
      for (const pid of await lab.bastion.pids()) process.kill(pid, signal);
    };
    await signalSshd('SIGSTOP');
    const child = lab.client.spawn(tshuttleArgv(lab, ['--socks', String(SOCKS_PORT)]));
    await until(async () => (await established()).includes(`${ADDRESSES.bastion4}:22`), {
      deadlineMs: 30_000,
      what: 'tshuttle waits for the bastion to say something',
    });
    expect(await curl()).toMatchObject({ code: 7 });
    await signalSshd('SIGCONT');
    await child.untilOutput(/serving SOCKS/, 30_000);
    expect(await curl()).toMatchObject({ code: 0 });
    child.kill('SIGTERM');
    expect(await child.exited).toMatchObject({ code: 0 });
    await expectNothingLeft(lab);
  });
});
