import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { topicsOn } from '../../../src/cli/help/topics.ts';
import { ADDRESSES, createLab } from '../../support/lab/lab.ts';
import { ONCE_IF_LONG } from '../../support/lab/long.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { TmuxTerminal } from '../../support/lab/tmux-terminal.ts';
import { until } from '../../support/process/until.ts';
import {
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
  untilSaid,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination         what shows how a tunnel is: top in a terminal, metrics for Prometheus
 */

const SUBNET = '10.77.0.0/24';
const METRICS_PORT = 9464;
const PROMETHEUS_PORT = 9090;
const SHARE_SECONDS = 10;

describe.skipIf(skipLab)('metrics', () => {
  it('are what Prometheus scrapes, and promtool finds nothing wrong with them', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET, '--metrics', String(METRICS_PORT)]);
    const download = { do: 'download', host: ADDRESSES.destination4, port: 7000, bytes: 1_000_000 } as const;
    expect(await lab.application(download)).toMatchObject({ exact: true });

    const page = await lab.client.exec(['curl', '-sS', `http://127.0.0.1:${METRICS_PORT}/metrics`]);
    expect(page.stdout).toMatch(/^tshuttle_up\{tunnel="root@198\.51\.100\.1"\} 1$/m);
    expect(page.stdout).toMatch(/^tshuttle_bastion_info\{.*bastion="root@198\.51\.100\.1 .*"\} 1$/m);
    expect(page.stdout).toMatch(/^tshuttle_flows_total\{.*\} 1$/m);
    expect(page.stdout).toMatch(/^tshuttle_bytes_total\{.*direction="down"\} 1\d{6}$/m);
    const lint = spawnSync('promtool', ['check', 'metrics'], { input: page.stdout, encoding: 'utf8' });
    expect(lint, lint.stdout + lint.stderr).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const statusOf = async (path: string, ...words: string[]): Promise<string> => {
      const curl = ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', ...words];
      return (await lab.client.exec([...curl, `http://127.0.0.1:${METRICS_PORT}${path}`])).stdout;
    };
    expect(await statusOf('/')).toBe('404');
    // A web page that gives its own name the address of this machine.
    expect(await statusOf('/metrics', '-H', `Host: evil.example:${METRICS_PORT}`)).toBe('421');
    expect(await statusOf('/metrics', '-H', `Host: localhost:${METRICS_PORT}`)).toBe('200');

    const config = join(lab.directory, 'prometheus.yml');
    const rules = join(lab.directory, 'rules.yml');
    await writeFile(rules, await lab.client.must(['node', 'bin/tshuttle', 'metrics', 'rules']));
    const targets = `[{ targets: ['127.0.0.1:${METRICS_PORT}'] }]`;
    await writeFile(
      config,
      `rule_files: ['${rules}']\nscrape_configs: [{ job_name: tshuttle, scrape_interval: 1s, static_configs: ${targets} }]\n`,
    );
    const prometheus = lab.client.spawn([
      'prometheus',
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(lab.directory, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${PROMETHEUS_PORT}`,
    ]);
    let answer = '';
    await until(
      async () => {
        const query = `http://127.0.0.1:${PROMETHEUS_PORT}/api/v1/query?query=tshuttle_up`;
        answer = (await lab.client.exec(['curl', '-sS', query])).stdout;
        return /"__name__":"tshuttle_up".*"value":\[[\d.]+,"1"\]/.test(answer);
      },
      { deadlineMs: 30_000, what: () => `a scrape: ${answer} ${prometheus.stderr}` },
    );
    prometheus.kill('SIGTERM');
    await prometheus.exited;
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('top', () => {
  it('shows a flow and its program in a terminal of any size, obeys keys, and leaves the terminal as it was', async () => {
    await using lab = await createLab();
    const runtime = { XDG_RUNTIME_DIR: lab.directory };
    const tshuttle = await startTshuttle(lab, [SUBNET], { env: runtime });
    const flow = { do: 'hold', host: ADDRESSES.destination4, port: 7001, bytes: 50_000_000 } as const;
    // Does not read, so that it is still there at the end, and ends with the lab.
    void lab.application({ ...flow, timeoutMs: 60_000 }).catch(() => {});
    await using screen = await TmuxTerminal.open(lab, { env: runtime });
    const fits = async (columns: number): Promise<void> => {
      for (const line of (await screen.text()).split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    };
    let checks = 0;
    const isAsBefore = async (): Promise<void> => {
      checks += 1;
      await screen.shows(/(^|\n)#\s*$/);
      await screen.type(`clear; stty -g | cmp - ${lab.directory}/stty && echo as" "before ${checks}`);
      await screen.shows(new RegExp(`^as before ${checks}`, 'm'));
      expect(await screen.text()).not.toMatch(/q quit/);
    };
    await screen.type(`stty -g > ${lab.directory}/stty; node bin/tshuttle top`);
    await screen.shows(/up \d+ s, root@198\.51\.100\.1/);
    await screen.shows(/^10\.77\.0\.2:7001 +\S+ \d+ .* [KM]iB/m);
    await screen.shows(/^1-1 of 1 flows, by rate$/m);
    await fits(80);

    await screen.resize(120, 30);
    await screen.shows(/PROGRAM +PID STATE/);
    await screen.shows(/^10\.77\.0\.2:7001 +\S+ +\d+ open/m);
    await fits(120);
    await screen.resize(80, 24);
    await screen.press('a');
    await screen.shows(/^1-1 of 1 flows, by age$/m);
    await screen.write('/nowhere');
    await screen.shows(/^\/nowhere_ +Enter keeps/m);
    await screen.press('Enter');
    await screen.shows(/^no flows, by age, with "nowhere"$/m);
    await screen.press('Escape');
    await screen.shows(/^1-1 of 1 flows, by age$/m);
    await screen.press('?');
    await screen.shows(/sort by rate, rate down, rate up/);
    await fits(80);
    await screen.press('Escape');
    await screen.shows(/^10\.77\.0\.2:7001 /m);

    await screen.press('C-z');
    await screen.shows(/Stopped/);
    await isAsBefore();
    await screen.type('fg');
    await screen.shows(/^10\.77\.0\.2:7001 /m);
    process.kill(await screen.pid(), 'SIGTERM');
    await isAsBefore();
    await screen.type('node bin/tshuttle top');
    await screen.shows(/q quit/);
    await screen.press('q');
    await isAsBefore();
    await screen.type('clear; TERM=dumb node bin/tshuttle top; echo table" "over');
    await screen.shows(/^now: [\s\S]*^10\.77\.0\.2:7001 [\s\S]*^table over/m);

    await screen.type('LANG=C.UTF-8 node bin/tshuttle status --watch; echo "ended with $?"');
    await screen.shows(/^● root@198\.51\.100\.1 +up .*1 open/m);
    await screen.shows(/^q quit/m);
    for (const line of (await screen.text()).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    await screen.press('q');
    await screen.shows(/^ended with 0/m);
    expect(await screen.text()).not.toMatch(/q quit/);

    tshuttle.kill('SIGTERM');
    expect(await tshuttle.exited).toMatchObject({ code: 0 });
  });

  it.each(ONCE_IF_LONG)(
    'uses less than a tenth of a core with 10,000 flows, and so does the tunnel for it',
    { timeout: 120_000 },
    async () => {
      await using lab = await createLab();
      const runtime = { XDG_RUNTIME_DIR: lab.directory };
      const tshuttle = await startTshuttle(lab, [SUBNET], { env: runtime });
      const many = lab.client.spawn(['node', '-e', MANY, ADDRESSES.destination4, '7001', '10000']);
      await many.untilOutput(/all open/, 60_000);
      const { main } = await tshuttleProcesses(lab);
      await delay(5_000); // the garbage of opening them is collected
      const [alone = 0] = await coreShares([main]);

      await using screen = await TmuxTerminal.open(lab, { env: runtime });
      await screen.type('exec node bin/tshuttle top');
      await screen.shows(/10[,.]?000/);
      const top = await screen.pid();
      const [used = 1, watched = 1] = await coreShares([top, main]);
      console.log(`top ${used}, the tunnel with it ${watched}, without ${alone}\n${await screen.text()}`);
      expect(used).toBeLessThan(0.1);
      expect(watched - alone).toBeLessThan(0.1);

      many.kill('SIGKILL');
      await many.exited;
      tshuttle.kill('SIGTERM');
      expect(await tshuttle.exited).toMatchObject({ code: 0 });
    },
  );
});

/** Opens as many connections as it is told, and keeps them. */
const MANY = `const { connect } = require('node:net');
  const [host, port, count] = process.argv.slice(1);
  let open = 0, asked = 0;
  const next = () => {
    if (asked++ >= count) return;
    const socket = connect(port, host).on('error', (error) => { console.error(error.code); process.exit(1); });
    socket.on('connect', () => { if (++open == count) console.log('all open'); next(); });
  };
  for (let at = 0; at < 100; at += 1) next();`;

/** CPU seconds that a process has used, user and system. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The share of one core that processes use while nothing else happens. */
async function coreShares(pids: readonly number[]): Promise<number[]> {
  const before = await Promise.all(pids.map(cpuSeconds));
  await delay(SHARE_SECONDS * 1_000);
  const after = await Promise.all(pids.map(cpuSeconds));
  return after.map((seconds, at) => (seconds - before[at]!) / SHARE_SECONDS);
}

/** Checks that the log line of the one flow has the fields that `tshuttle help log` lists, of the types it says. */
function expectDocumented(log: string): void {
  const line = log.split('\n').find((text) => text.includes('"destination":"10.77.0.2:7000"'))!;
  const found = Object.entries(JSON.parse(line) as object).map(([name, value]) => [name, typeof value]);
  const blocks = topicsOn('linux').find(({ name }) => name === 'log')!.blocks;
  const fields = blocks.flatMap((block) => (block.kind === 'list' ? block.items : []));
  const documented = fields
    .filter(([, text]) => !text.endsWith('otherwise left out'))
    .map(([name, text]) => [name, text.split(':', 1)[0]]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(documented));
  const ends = fields.find(([name]) => name === 'end')![1];
  expect(ends.split(/[:,] /)).toContain((JSON.parse(line) as { end: string }).end);
}

describe.skipIf(skipLab)('report', () => {
  it('tells nothing private of what it was fed', async () => {
    await using lab = await createLab();
    const secrets = ['hunter2-secret', 'proxypass-secret', 'token-secret'];
    const names = [
      'zone.private.example',
      'db.private.example',
      '198.51.100.1',
      '10.77.0.2',
      lab.sshd.userKey,
    ];
    const tshuttle = await startTshuttle(lab, [SUBNET, '-v'], { env: { XDG_RUNTIME_DIR: lab.directory } });
    await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 });
    await untilSaid(tshuttle, '"destination":"10.77.0.2:7000"');
    expectDocumented(tshuttle.stderr);
    const report = await lab.client.exec(
      [
        ...[
          'node',
          'bin/tshuttle',
          'report',
          '-r',
          `root:${secrets[0]}@${ADDRESSES.bastion4}`,
          '-i',
          lab.sshd.userKey,
        ],
        ...['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`, '--upstream-proxy'],
        ...[
          `socks5://me:${secrets[1]}@db.private.example:1080`,
          '--domain',
          'zone.private.example',
          '10.77.0.2',
          '--on-event',
          `curl -d "$TSHUTTLE_EVENT" https://ntfy.sh/${secrets[2]}`,
        ],
      ],
      { env: { XDG_RUNTIME_DIR: lab.directory } },
    );
    expect(report, report.stderr).toMatchObject({ code: 0 });
    for (const word of [...secrets, ...names]) expect(report.stdout, word).not.toContain(word);
    for (const section of ['versions', 'configuration', 'doctor', 'tunnels', 'log of <tunnel-1>']) {
      expect(report.stdout).toContain(`## ${section}`);
    }
    expect(report.stdout).toMatch(/"total": 1,$/m);
    await stopTshuttle(lab, tshuttle);
  });
});
