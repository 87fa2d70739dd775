import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { ORDINARY_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import {
  clientProcesses,
  expectNothingLeft,
  READY,
  runTshuttle,
  stopTshuttle,
  tshuttleArgv,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: tshuttle -D returns ──▶ a tshuttle of its own ──ssh── bastion ── destination 10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const here = { host: ADDRESSES.destination4, port: 7000 } as const;

function pidFileOf(lab: Lab, user: string): string {
  return join(lab.machine.homeOf(user), 'tshuttle.pid');
}

async function endDaemon(lab: Lab, pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  await until(() => !existsSync(`/proc/${pid}`), { deadlineMs: 5_000, what: 'the daemon ended' });
  await expectNothingLeft(lab);
}

describe.skipIf(skipLab)('tshuttle -D', () => {
  it.each(['root', ORDINARY_USER.name])(
    'as %s returns 0 when traffic is captured, and ends by its pid file',
    async (user) => {
      await using lab = await createLab();
      const pidFile = pidFileOf(lab, user);
      const options = user === 'root' ? {} : { user };
      const started = await runTshuttle(lab, ['-D', '--pidfile', pidFile, SUBNET], options);
      expect(started, started.stderr).toMatchObject({ code: 0 });
      expect(await lab.application({ do: 'echo', ...here, bytes: 100_000 })).toMatchObject({ exact: true });

      const pid = Number(await readFile(pidFile, 'utf8'));
      expect((await clientProcesses(lab)).map((process) => process.pid)).toContain(pid);
      const log = (
        await lab.client.must(['sh', '-c', `ls ${lab.machine.homeOf(user)}/.local/state/tshuttle/*.log`])
      ).trim();
      expect((await stat(log)).mode & 0o777).toBe(0o600);
      await endDaemon(lab, pid);
      expect(existsSync(pidFile)).toBe(false);
    },
  );

  it('goes on when its terminal is closed', async () => {
    await using lab = await createLab();
    const pidFile = pidFileOf(lab, 'root');
    const command = tshuttleArgv(lab, ['-D', '--pidfile', pidFile, SUBNET]).join(' ');
    // script(1) gives the command a terminal, which is gone when script has ended.
    await lab.client.must(['script', '-qec', command, '/dev/null'], { stdin: '' });
    expect(await lab.application({ do: 'echo', ...here, bytes: 100_000 })).toMatchObject({ exact: true });
    await endDaemon(lab, Number(await readFile(pidFile, 'utf8')));
  });

  it('that cannot start says why on standard error, with its exit code', async () => {
    await using lab = await createLab();
    const pidFile = pidFileOf(lab, 'root');
    const result = await runTshuttle(lab, ['-D', '--pidfile', pidFile, SUBNET], {
      remote: 'root@198.51.100.1:2222',
    });
    expect(result.code, result.stderr).toBe(68);
    expect(result.stderr).toContain('198.51.100.1:2222');
    expect(existsSync(pidFile)).toBe(false);
    await expectNothingLeft(lab);
  });

  it('leaves nothing behind when all of it is killed', async () => {
    await using lab = await createLab();
    const started = await runTshuttle(lab, ['-D', SUBNET]);
    expect(started, started.stderr).toMatchObject({ code: 0 });
    for (const { pid } of await clientProcesses(lab)) process.kill(pid, 'SIGKILL');
    await expectNothingLeft(lab);
  });

  it('-N captures what the bastion has routes to, and with --syslog rsyslogd has what the log has', async () => {
    await using lab = await createLab();
    const folder = join(lab.directory, 'syslog');
    await mkdir(join(folder, 'dev'), { recursive: true });
    await writeFile(join(folder, 'rsyslog.conf'), rsyslogConfig(folder));
    const within = ['unshare', '--mount', 'sh', '-euc', WITH_SYSLOG, 'sh', folder];
    const tshuttle = lab.client.spawn([...within, ...tshuttleArgv(lab, ['-v', '-N', '--syslog'])]);
    await tshuttle.untilOutput(READY, 30_000);
    const far = { do: 'whoami', host: ADDRESSES.farDestination4, port: 7000 } as const;
    expect(await lab.application(far)).toMatchObject({ peer: ADDRESSES.bastionInner4 });

    // The facility, the severity, the program and its number, as they were read.
    const processes = await clientProcesses(lab);
    const main = processes.find(({ argv }) => argv[0] === 'tshuttle')?.pid;
    const wanted = [
      `daemon.info tshuttle ${main} -N: 10.78.0.0/24 is a network of the bastion's`,
      `daemon.warning tshuttle ${main} -N: 198.51.100.0/24 is not captured: it is in the local network on up0`,
    ];
    let told = '';
    await until(
      async () => {
        told = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
        return wanted.every((line) => told.includes(line));
      },
      { deadlineMs: 5_000, what: () => `${wanted.join('; ')} in ${told}; ${tshuttle.stderr}` },
    );
    for (const { pid, argv } of processes) if (argv[0] === 'rsyslogd') process.kill(pid, 'SIGTERM');
    await stopTshuttle(lab, tshuttle);
  });
});

/** A line for each message, by what rsyslogd has read of it. */
function rsyslogConfig(folder: string): string {
  const parsed = '%syslogfacility-text%.%syslogseverity-text% %programname% %procid%%msg%\\n';
  return `module(load="imuxsock" SysSock.RateLimit.Interval="0")
template(name="parsed" type="string" string="${parsed}")
*.* action(type="omfile" file="${folder}/log" template="parsed")
`;
}

/** Runs a command beside rsyslogd, in a /dev of its own, for a /dev/log of its own: sh -c WITH_SYSLOG sh FOLDER COMMAND... */
const WITH_SYSLOG = `
  folder=$1; shift
  mount --rbind /dev "$folder/dev"
  mount -t tmpfs -o mode=755,size=64k tmpfs /dev
  for node in null zero random urandom tty; do
    : >"/dev/$node"
    mount --bind "$folder/dev/$node" "/dev/$node"
  done
  rsyslogd -n -iNONE -f "$folder/rsyslog.conf" &
  until [ -S /dev/log ]; do sleep 0.05; done
  exec "$@"`;
