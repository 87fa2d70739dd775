import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommandSession } from '../../../../../src/cli/command/command-definition.ts';
import { installByCron } from '../../../../../src/cli/commands/service/install-by-cron.ts';
import { installService } from '../../../../../src/cli/commands/service/service-install.ts';
import { servicePlacesOf } from '../../../../../src/cli/commands/service/service-places.ts';
import { serviceStatus } from '../../../../../src/cli/commands/service/service-status.ts';
import { uninstallService } from '../../../../../src/cli/commands/service/service-uninstall.ts';
import { ownAccount } from '../../../../../src/core/accounts.ts';
import { sessionOf } from '../../../../support/in-process/run-command.ts';

/*
 * Services where the user's systemd cannot be asked, or is none: su, containers, WSL, machines with cron alone. systemctl and crontab
 * are programs on PATH that keep what they are told in files, and say what those of Debian say.
 */

/** systemd 252 and 257 of Debian 12 and 13, without a manager: `No medium found`, or the 257's own words. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >>"$STATE/systemctl.calls"
if [ ! -e "$XDG_RUNTIME_DIR/systemd/private" ]; then
  echo "Failed to connect to bus: No medium found" >&2
  exit 1
fi
case " $* " in *" $FAILING "*) echo "Failed to $FAILING unit: Access denied" >&2; exit 1 ;; esac
units=$XDG_CONFIG_HOME/systemd/user
wants=$units/default.target.wants
case "$*" in
  *" enable "*) mkdir -p "$wants"; ln -sf "$units/tshuttle.service" "$wants/tshuttle.service" ;;
  *" disable "*) rm -f "$wants/tshuttle.service"; rmdir "$wants"; rm -f "$STATE/running" ;;
  *" restart "*) : >"$STATE/running" ;;
  *" show "*)
    [ -e "$STATE/running" ] && echo ActiveState=active || echo ActiveState=inactive
    echo SubState=running; echo NRestarts=0; echo MainPID=4242; echo Description=tshuttle: office ;;
esac
`;

/** cron 3.0pl1 of Debian 12 and 13. */
const CRONTAB = `#!/bin/sh
echo "$*" >>"$STATE/crontab.calls"
if [ -n "$NOT_ALLOWED" ]; then
  echo "You (alice) are not allowed to use this program (crontab)" >&2
  echo "See crontab(1) for more information" >&2
  exit 1
fi
case "$1" in
  -l) [ -e "$STATE/crontab" ] || { echo "no crontab for alice" >&2; exit 1; }; cat "$STATE/crontab" ;;
  -r) rm "$STATE/crontab" ;;
  -)
    cat >"$STATE/new"
    if [ -n "$DISK_FULL" ]; then
      rm "$STATE/new"
      echo '"-":0: bad minute' >&2
      echo "errors in crontab file, can't install." >&2
      exit 1
    fi
    if [ -n "$LIKE_BUSYBOX" ]; then
      rm "$STATE/new"
      echo "crontab: cannot create /var/spool/cron/crontabs/alice.new" >&2
      exit 0
    fi
    mv "$STATE/new" "$STATE/crontab" ;;
esac
`;

let folder: string;
let homeBefore: string | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tshuttle-service-'));
  homeBefore = process.env['HOME'];
  process.env['HOME'] = join(folder, 'home');
  for (const name of ['bin', 'home', 'state', 'machine']) mkdirSync(join(folder, name));
  program('systemctl', SYSTEMCTL);
  program('crontab', CRONTAB);
  write(
    'home/.config/tshuttle/config.yaml',
    'profiles:\n  office:\n    remote: me@bastion.example\n    subnets: [10.0.0.0/8]\n',
  );
});
afterEach(() => {
  if (homeBefore === undefined) delete process.env['HOME'];
  else process.env['HOME'] = homeBefore;
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function program(name: string, text: string): void {
  writeFileSync(join(folder, 'bin', name), text, { mode: 0o755 });
}

const USER_ID = process.geteuid?.() ?? 0;
/** A systemd of this user that answers. */
const loggedIn = (): void => write(`machine/run/user/${USER_ID}/systemd/private`, '');
const bootedBySystemd = (): void => write('machine/run/systemd/system/x', '');

/** The files below the home folder, but the profiles. */
function installedFiles(): readonly string[] {
  const home = join(folder, 'home');
  return readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        !/^(?:\.config(?:\/tshuttle(?:\/config\.yaml)?)?|\.local(?:\/state(?:\/tshuttle)?)?)$/.test(name),
    )
    .sort();
}

interface Outcome {
  readonly code: number;
  readonly printed: string;
}

type Run = (session: CommandSession, places: ReturnType<typeof servicePlacesOf>) => Promise<number>;

/** Runs a command on the machine, with an environment as after su: nothing in it is of a session. */
async function run(command: Run, more: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const environment = {
    PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
    HOME: join(folder, 'home'),
    STATE: join(folder, 'state'),
    XDG_CONFIG_HOME: join(folder, 'home', '.config'),
    XDG_STATE_HOME: join(folder, 'home', '.local', 'state'),
    ...more,
  };
  const { session, outcome } = sessionOf(environment);
  const withScript = { ...session, process: { ...session.process, script: '/opt/tshuttle/bin/tshuttle' } };
  const { code, printed } = outcome(
    await command(withScript, servicePlacesOf(environment, join(folder, 'machine'))),
  );
  return { code, printed };
}

const words = { names: [], system: false, print: false, json: false };
const install: Run = async (session, places) => await installService(words, session, places);
const status: Run = async (session, places) => await serviceStatus({ ...words, json: true }, session, places);
const uninstall: Run = async (session, places) => await uninstallService(words, session, places);

/** What `service status --json` has of the one service that is installed. */
async function statusOf(): Promise<Record<string, unknown>> {
  const [service, ...others] = JSON.parse((await run(status)).printed) as Array<Record<string, unknown>>;
  expect(others).toEqual([]);
  return service!;
}

describe('with systemd, and none of this user', () => {
  test('it says loginctl enable-linger, and installs nothing', async () => {
    bootedBySystemd();
    const { userName } = ownAccount();
    await expect(run(install)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(`${userName} has no systemd of their own running`),
      remedy: expect.stringContaining(`loginctl enable-linger ${userName} `),
    });
    expect(installedFiles()).toEqual([]);
    expect(await run(status)).toEqual({ code: 0, printed: '[]\n' });
    expect(await run(uninstall)).toEqual({ code: 0, printed: 'tshuttle: no service is installed\n' });
    expect(existsSync(join(folder, 'state', 'systemctl.calls'))).toBe(false);
  });

  test('where it lingers, it is found without XDG_RUNTIME_DIR, and the line for systemctl is told', async () => {
    bootedBySystemd();
    loggedIn();
    const installed = await run(install);
    expect(installed.code).toBe(0);
    expect(installed.printed).toContain('tshuttle.service is installed and up\n');
    expect(installed.printed).toContain(`in this shell: export XDG_RUNTIME_DIR=/run/user/${USER_ID}\n`);
    expect(await statusOf()).toMatchObject({ by: 'systemd', state: 'active', pid: 4242 });
    expect(await run(uninstall)).toEqual({ code: 0, printed: 'tshuttle: tshuttle.service is removed\n' });
    expect(installedFiles()).toEqual([]);
  });

  test('what was installed is seen and removed when it is gone again', async () => {
    bootedBySystemd();
    loggedIn();
    await run(install);
    rmSync(join(folder, 'machine', 'run', 'user'), { recursive: true });
    expect(await statusOf()).toMatchObject({
      by: 'systemd',
      state: 'inactive',
      subState: 'your systemd does not run',
      atLogin: true,
      description: 'tshuttle: office',
      text: expect.stringContaining('loginctl enable-linger'),
    });
    const { printed } = await run(uninstall);
    expect(printed).toContain('tshuttle.service is removed; it was not running');
    expect(installedFiles()).toEqual([]);
  });

  test.each(['daemon-reload', 'enable'])('nothing is left where systemctl %s fails', async (verb) => {
    bootedBySystemd();
    loggedIn();
    await expect(run(install, { FAILING: verb })).rejects.toMatchObject({
      message: expect.stringContaining(`failed: Failed to ${verb} unit: Access denied`),
    });
    expect(installedFiles()).toEqual([]);
  });

  test('a service that was there stays as it was where another cannot be put in its place', async () => {
    bootedBySystemd();
    loggedIn();
    await run(install);
    const unit = join(folder, 'home/.config/systemd/user/tshuttle.service');
    const [before, files] = [readFileSync(unit, 'utf8'), installedFiles()];
    write(
      'home/.config/tshuttle/config.yaml',
      'profiles:\n  lab:\n    remote: me@bastion.example\n    subnets: [10.0.0.0/8]\n',
    );
    await expect(run(install, { FAILING: 'enable' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    expect(readFileSync(unit, 'utf8')).toBe(before);
    expect(installedFiles()).toEqual(files);
  });
});

describe('without systemd', () => {
  const CRONTAB_BEFORE = '# mine\nMAILTO=""\n5 4 * * * backup 50\\%\n';
  const crontab = (): string | undefined => {
    const path = join(folder, 'state', 'crontab');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  const started: string[][] = [];
  const byCron =
    (exitCode: number): Run =>
    async (session, places) =>
      await installByCron(
        { program: { nodePath: '/usr/bin/node', script: '/x' }, names: ['office'], place: 'a container' },
        places,
        session,
        async ({ names }) => {
          started.push([...names]);
          return exitCode;
        },
      );

  test.each([undefined, CRONTAB_BEFORE])(
    'cron starts it, and the crontab is as before after all of it: %j',
    async (before) => {
      if (before !== undefined) write('state/crontab', before);
      started.length = 0;
      const installed = await run(byCron(0));
      expect(installed.code).toBe(0);
      expect(installed.printed).toMatch(
        /there is no systemd \(this is a container\): cron starts office at boot/,
      );
      expect(started).toEqual([['office']]);
      const script = join(folder, 'home/.config/tshuttle/start-at-boot');
      const line = `@reboot /bin/sh ${script} # Written by tshuttle service install\n`;
      expect(crontab()).toBe(`${line}${before ?? ''}`);
      expect(await run(byCron(68))).toMatchObject({ code: 75 });
      expect(crontab()).toBe(`${line}${before ?? ''}`);
      expect(await statusOf()).toMatchObject({
        by: 'cron',
        state: 'inactive',
        atLogin: true,
        description: 'tshuttle: office',
      });
      expect((await run(uninstall)).printed).toBe(
        'tshuttle: cron starts nothing of tshuttle at boot any more\n',
      );
      expect(crontab()).toBe(before);
      expect(installedFiles()).toEqual([]);
      expect((await run(uninstall)).printed).toBe('tshuttle: no service is installed\n');
    },
  );

  test('nothing is left where crontab does not take the line', async () => {
    write('state/crontab', CRONTAB_BEFORE);
    await expect(run(byCron(0), { DISK_FULL: 'yes' })).rejects.toMatchObject({
      message: `crontab - failed: "-":0: bad minute; errors in crontab file, can't install.`,
    });
    await expect(run(byCron(0), { NOT_ALLOWED: 'yes' })).rejects.toMatchObject({
      message: expect.stringContaining('You (alice) are not allowed to use this program (crontab)'),
      remedy: expect.stringContaining('/etc/cron.allow'),
    });
    await expect(run(byCron(0), { LIKE_BUSYBOX: 'yes' })).rejects.toMatchObject({
      message: 'crontab - failed: what it shows is not what it was given',
    });
    expect(crontab()).toBe(CRONTAB_BEFORE);
    expect(installedFiles()).toEqual([]);
    expect(await run(status, { NOT_ALLOWED: 'yes' })).toEqual({ code: 0, printed: '[]\n' });
  });

  test('without crontab it says so, and which line starts it at login', async () => {
    rmSync(join(folder, 'bin', 'crontab'));
    const alone = { PATH: join(folder, 'bin') };
    await expect(run(install, { ...alone, WSL_DISTRO_NAME: 'Debian' })).rejects.toMatchObject({
      message: 'nothing here can start tunnels at login: there is no systemd (this is WSL), and no crontab',
      remedy: expect.stringMatching(
        /systemd=true below \[boot\] in \/etc\/wsl\.conf.*~\/\.profile: \S+ \/opt\/tshuttle\/bin\/tshuttle up office$/,
      ),
    });
    expect(installedFiles()).toEqual([]);
  });

  test('--print shows the script and the line; --system says that it is of systemd', async () => {
    const { printed } = await run(
      async (session, places) => await installService({ ...words, print: true }, session, places),
    );
    expect(printed).toMatch(/^# In the crontab:\n# @reboot \/bin\/sh \S+\/start-at-boot /);
    expect(printed).toContain('# Profiles: office\n');
    expect(installedFiles()).toEqual([]);
  });

  test('one changes into the other when a systemd comes, and back', { timeout: 60_000 }, async () => {
    await run(byCron(0));
    bootedBySystemd();
    loggedIn();
    const byCronAlone = installedFiles();
    await expect(run(install, { FAILING: 'enable' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    expect([crontab()?.includes('@reboot'), installedFiles()]).toEqual([true, byCronAlone]);
    const installed = await run(install);
    expect(installed.printed).toContain('cron starts nothing of tshuttle at boot any more');
    expect(crontab()).toBeUndefined();
    expect(await statusOf()).toMatchObject({ by: 'systemd' });
    rmSync(join(folder, 'machine', 'run'), { recursive: true });
    await run(byCron(0));
    expect(await statusOf()).toMatchObject({ by: 'cron' });
    await run(uninstall);
    expect(installedFiles()).toEqual([]);
  });
});
