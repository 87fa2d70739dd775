import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TunnelReport } from '../../../src/daemon/control/protocol.ts';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { CommandResult } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { expectNothingLeft, runTshuttle } from '../../support/tshuttle/tshuttle.ts';

/*
 *                         ┌─ :2201 ─┐
 *  client: tshuttle up ───┤   ...   ├─ sshd ── destination 10.77.0.2, 10.77.0.3, 10.78.0.2
 *                         └─ :2210 ─┘
 */

const PORTS = Array.from({ length: 10 }, (_, index) => 2201 + index);
const HERE = `${ADDRESSES.destination4}/32`;
const FAR = `${ADDRESSES.farDestination4}/32`;

// Each test runs a dozen commands, and a process takes its time to start on a busy machine.
describe.skipIf(skipLab)('profiles', { timeout: 180_000 }, () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab({
      sshd: PORTS.map((port) => `ListenAddress ${ADDRESSES.bastion4}:${port}`),
    });
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await tshuttle('down', '--all');
    await expectNothingLeft(lab);
  });

  const tshuttle = (...words: readonly string[]): Promise<CommandResult> =>
    lab.client.exec(['node', 'bin/tshuttle', ...words], { timeoutMs: 60_000 });
  const configFile = () => join(lab.machine.homeOf('root'), '.config', 'tshuttle', 'config.yaml');

  const write = async (profiles: Readonly<Record<string, { port?: number; subnets: readonly string[] }>>) => {
    const common = {
      identity: [lab.sshd.userKey],
      ssh_options: [`UserKnownHostsFile=${lab.sshd.knownHosts}`, `HostKeyAlias=${ADDRESSES.bastion4}`],
    };
    const entries = Object.entries(profiles).map(([name, { port = 22, subnets }]) => [
      name,
      { remote: `root@${ADDRESSES.bastion4}:${port}`, subnets, ...common },
    ]);
    await mkdir(join(configFile(), '..'), { recursive: true });
    await writeFile(configFile(), JSON.stringify({ profiles: Object.fromEntries(entries) }), { mode: 0o600 });
  };
  const reports = async (): Promise<ReadonlyArray<TunnelReport & { readonly pid: number }>> => {
    const { stdout } = await tshuttle('status', '--json');
    return (JSON.parse(stdout) as { tunnels: ReadonlyArray<TunnelReport & { readonly pid: number }> })
      .tunnels;
  };
  const isCarried = async (host: string, port = 7000): Promise<boolean> =>
    (await lab.application({ do: 'whoami', host, port, timeoutMs: 2_000 })).peer === ADDRESSES.bastionInner4;

  it('are started, shown, ended and started again by name; status knows of those without a name, too', async () => {
    await write({ here: { subnets: [HERE] }, far: { subnets: [FAR] }, wrong: { port: 9, subnets: [FAR] } });
    const up = await tshuttle('up', 'here', 'far', 'wrong');
    expect(up.code, up.stderr).toBe(68);
    expect(up.stdout).toMatch(
      /here is capturing .* process id \d+, log .*here\.log; stop it with: tshuttle down here/,
    );
    expect(up.stderr).toContain(`${ADDRESSES.bastion4}:9`);
    expect(await isCarried(ADDRESSES.destination4)).toBe(true);
    expect(await isCarried(ADDRESSES.farDestination4)).toBe(true);

    const unnamed = await runTshuttle(lab, ['-D', `${ADDRESSES.otherDestination4}/32`]);
    expect(unnamed.code, unnamed.stderr).toBe(0);
    const shown = await reports();
    expect(shown.map(({ name }) => name)).toEqual(['here', 'far', `root@${ADDRESSES.bastion4}`]);
    expect(new Set(shown.map(({ pid }) => pid)).size).toBe(2);
    expect(shown[0]?.status).toMatchObject({ state: { kind: 'up' }, flows: { total: 1 }, lastError: null });
    expect((await tshuttle('status')).stdout).toMatch(/^[*●] here +up .* root@198\.51\.100\.1/m);
    expect(await tshuttle('is-up', 'here', 'far')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect((await tshuttle('list')).stdout).toMatch(/here +up .*\nfar +up .*\nwrong +down /);

    expect((await tshuttle('up', 'here')).stdout).toMatch(/here is up already/);
    expect((await tshuttle('down', 'far')).stdout).toBe('tshuttle: far is down\n');
    expect(await isCarried(ADDRESSES.farDestination4)).toBe(false);
    const restarted = await tshuttle('restart', 'here', '--json');
    expect(JSON.parse(restarted.stdout), restarted.stderr).toMatchObject([{ name: 'here', state: 'up' }]);
    expect(await isCarried(ADDRESSES.destination4)).toBe(true);

    // One that does not answer is ended first, as a process.
    const stopped = (await reports()).find(({ name }) => name === 'here')!.pid;
    process.kill(stopped, 'SIGSTOP');
    const again = await tshuttle('restart', 'here', '--json');
    expect(JSON.parse(again.stdout), again.stderr).toMatchObject([{ name: 'here', state: 'up' }]);
    expect(again.stdout).not.toContain(`${stopped}`);
    expect(await isCarried(ADDRESSES.destination4)).toBe(true);

    const logs = await tshuttle('logs', 'here', '-n', '3');
    expect(logs.stdout).toMatch(/stopped as asked[\s\S]*"up: capturing/);
    expect((await tshuttle('login', 'nothing')).code).toBe(64);
  });

  it('are explained by what happened: how the last connections to a destination have ended', async () => {
    await write({ here: { subnets: [HERE] } });
    const up = await tshuttle('up', 'here');
    expect(up.code, up.stderr).toBe(0);
    expect(await isCarried(ADDRESSES.destination4)).toBe(true);
    expect(await isCarried(ADDRESSES.destination4, 9)).toBe(false);

    const refused = await tshuttle('explain', `${ADDRESSES.destination4}:9`);
    expect(refused.stdout, refused.stderr).toMatch(
      /^10\.77\.0\.2:9: here captures it: 10\.77\.0\.2\nhere: \d+ s ago: 10\.77\.0\.2:9: refused: Connection refused \(0 B up, 0 B down\)\n$/,
    );
    const both = await tshuttle('explain', ADDRESSES.destination4, '-r', `root@${ADDRESSES.bastion4}`, HERE);
    expect(both.stdout, both.stderr).toMatch(
      /^10\.77\.0\.2: captured by 10\.77\.0\.2 .*\nhere: \d+ s ago: 10\.77\.0\.2:9: refused.*\nhere: \d+ s ago: 10\.77\.0\.2:7000: ended /,
    );
    const other = await tshuttle('explain', `${ADDRESSES.farDestination4}:7000`);
    expect(other.stdout).toBe(
      `${ADDRESSES.farDestination4}:7000: no tunnel captures it: no subnet of here has it\nno profile would capture it\n    -> capture it: tshuttle -r BASTION ${ADDRESSES.farDestination4}\n`,
    );
  });

  it('are reloaded under load, and no flow is lost', async () => {
    await write({ here: { subnets: [HERE] } });
    const up = await tshuttle('up', 'here');
    expect(up.code, up.stderr).toBe(0);
    const long = lab.application({ do: 'both', host: ADDRESSES.destination4, port: 7000, bytes: 60_000_000 });
    const requests = lab.application({
      do: 'http',
      host: ADDRESSES.destination4,
      port: HTTP_PORT,
      count: 1_000,
      concurrency: 20,
      timeoutMs: 50_000,
    });
    let reloads = 0;
    let isOver = false;
    const over = Promise.all([long, requests]).finally(() => (isOver = true));
    do {
      await write({ here: { subnets: reloads % 2 === 0 ? [HERE, FAR] : [HERE] } });
      const reloaded = await tshuttle('reload', 'here');
      expect(reloaded.stdout, reloaded.stderr).toBe('tshuttle: here: applied: subnets\n');
      expect(await isCarried(ADDRESSES.farDestination4)).toBe(reloads % 2 === 0);
      reloads += 1;
    } while (!isOver || reloads < 4);
    const [both, http] = await over;
    expect(both).toMatchObject({ exact: true });
    expect(http).toMatchObject({ succeeded: 1_000, failures: {}, peers: [ADDRESSES.bastionInner4] });

    await writeFile(configFile(), 'profiles: {here: {remote: x, subnet: [10.0.0.0/8]}}');
    const refused = await tshuttle('reload');
    expect(refused.code).toBe(78);
    expect(refused.stderr).toContain(
      'config.yaml:1:30: subnet is not an option of a profile; perhaps subnets',
    );
    expect(await isCarried(ADDRESSES.destination4)).toBe(true);

    await write({ here: { port: 2201, subnets: [HERE] } });
    expect((await tshuttle('reload')).stdout).toMatch(/needs a restart .* for: remote\n/);
  });

  it('may be ten to ten bastions at once, in one process', async () => {
    const names = PORTS.map((port) => `bastion-${port}`);
    const targets = [7000, 7001, 8000, 8001, 8005].flatMap((port) =>
      [ADDRESSES.destination4, ADDRESSES.otherDestination4].map((host) => ({ host, port })),
    );
    const profiles = PORTS.map((port, index) => [
      names[index]!,
      { port, subnets: [`${targets[index]!.host}/32:${targets[index]!.port}`] },
    ]);
    await write(Object.fromEntries(profiles) as Parameters<typeof write>[0]);
    const up = await tshuttle('up', ...names);
    expect(up.code, up.stderr).toBe(0);
    const carried = await Promise.all(targets.map(({ host, port }) => isCarried(host, port)));
    expect(carried).toEqual(targets.map(() => true));
    const shown = await reports();
    expect(shown.map(({ name, status }) => [name, status?.state.kind, status?.flows.total])).toEqual(
      names.map((name) => [name, 'up', 1]),
    );
    expect(new Set(shown.map(({ status }) => status?.bastion)).size).toBe(10);
    const { pid } = shown[0]!;
    expect(shown.every((report) => report.pid === pid)).toBe(true);

    await tshuttle('down', ...names);
    await until(() => !existsSync(`/proc/${pid}`), {
      deadlineMs: 10_000,
      what: 'the process ended with its last tunnel',
    });
  });

  it('that overlap are named', async () => {
    await write({
      here: { subnets: ['10.77.0.0/24'] },
      both: { subnets: ['10.77.0.0/16', '198.51.100.0/24'] },
    });
    const up = await tshuttle('up', 'here', 'both');
    expect(up.code, up.stderr).toBe(0);
    expect(up.stderr).toContain('both: 10.77.0.0/24 is captured by here, too');
    expect(up.stderr).toContain('both: 198.51.100.0/24 is the local network on up0');
    expect(await readFile(`/proc/${(await reports())[0]!.pid}/comm`, 'utf8')).toBe('tshuttle\n');
  });

  it('leave nothing behind when all of it is killed, and start again', async () => {
    await write({ here: { subnets: [HERE] } });
    await tshuttle('up', 'here');
    const { pid } = (await reports())[0]!;
    process.kill(pid, 'SIGKILL');
    await expectNothingLeft(lab);
    expect((await tshuttle('status')).stdout).toMatch(/^no tunnel is up -> /);
    const again = await tshuttle('up', 'here');
    expect(again.code, again.stderr).toBe(0);
    const told = `the process that had this tunnel before (${pid}) ended without a word`;
    expect(again.stderr).toContain(told);
    expect((await tshuttle('logs', 'here')).stdout).toContain(told);
    const third = await tshuttle('restart', 'here');
    expect(third.stderr).not.toContain('without a word');
  });
});
