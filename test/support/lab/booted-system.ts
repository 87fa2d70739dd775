import { existsSync, rmSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child, type CommandOptions, type CommandResult, mustRun, runCommand } from '../process/child.ts';
import { until } from '../process/until.ts';
import type { Lab } from './lab.ts';
import { repositoryOptions } from './machine.ts';
import { BOOT_LOCK, systemRoot } from './system-root.ts';

/** Where a booted system sees the repository, which is root's and cannot be written there. */
export const BOOTED_REPOSITORY = '/opt/tshuttle';

/** Its processes are in control groups of the same name as another's, and each system ends all in them that it has not started. */
const LOCK_SECONDS = 240;
const BOOT_MS = 60_000;
const POWER_OFF_MS = 20_000;

/**
 * nspawn runs in a mount namespace of its own, where the root is an overlay over memory: nothing that the system writes, and
 * no mount of it, is there when it ends. Arguments: root, words of nspawn.
 */
const startScript = (memory: string, repository: string): string => `
  set -e
  root=$1 memory='${memory}'; shift
  exec 9>>'${BOOT_LOCK}'
  flock --timeout ${LOCK_SECONDS} 9
  mount -t tmpfs -o mode=755 tmpfs "$memory"
  mkdir "$memory/upper" "$memory/work" "$memory/merged" "$memory/empty" "$memory/repository"
  mount -t overlay overlay -o '${repositoryOptions(join(memory, 'empty'))}' '${repository}'
  mount -t overlay overlay -o "lowerdir=$root,upperdir=$memory/upper,workdir=$memory/work" "$memory/merged"
  # As the installer writes them: sudo looks its machine's name up, and would wait for a nameserver.
  echo booted >"$memory/merged/etc/hostname"
  printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 booted\n' >"$memory/merged/etc/hosts"
  # Its exit status when the system inside has asked for a reboot.
  status=133
  while [ "$status" = 133 ]; do
    status=0
    systemd-nspawn --quiet -D "$memory/merged" "$@" || status=$?
  done
  exit "$status"
`;

/** What a command in a booted system runs with. */
export interface BootedCommandOptions extends CommandOptions {
  /** One of its users; root when left out. */
  readonly user?: string;
}

/**
 * A small Debian with systemd as its process 1, in the network of a lab's client: systemd-nspawn, with Node.js, the
 * repository at {@link BOOTED_REPOSITORY} and the lab's folder at its own path.
 */
export class BootedSystem implements AsyncDisposable {
  readonly #nspawn: Child;
  #leader: number;
  readonly #removeAtExit: () => void;

  private constructor(nspawn: Child, leader: number, removeAtExit: () => void) {
    this.#nspawn = nspawn;
    this.#leader = leader;
    this.#removeAtExit = removeAtExit;
  }

  /** Boots, and waits until all that is started at boot is. The lab must outlive it. */
  static async boot(lab: Lab): Promise<BootedSystem> {
    const root = await systemRoot();
    const machine = `${lab.client.name}-booted`;
    const memory = join(lab.directory, 'booted');
    const repository = join(memory, 'repository');
    await mkdir(memory);
    const words = [
      ...['--boot', '--console=pipe', '--register=no', '--keep-unit', `--machine=${machine}`],
      ...[`--network-namespace-path=/run/netns/${lab.client.name}`, '--capability=CAP_NET_ADMIN'],
      `--bind-ro=${process.execPath}:/usr/local/bin/node`,
      `--bind-ro=${repository}:${BOOTED_REPOSITORY}`,
      `--bind=${lab.directory}:${lab.directory}:norbind`,
      ...(existsSync('/dev/net/tun') ? ['--bind=/dev/net/tun'] : []),
    ];
    const start = ['unshare', '--mount', 'sh', '-c', startScript(memory, repository), 'sh', root];
    const nspawn = new Child([...start, ...words]);
    // What runs inside ends with the lab's namespace, and nspawn with that.
    const removeAtExit = (): void => {
      nspawn.kill('SIGKILL');
      // nspawn leaves it where /run is on a disk.
      rmSync(`/run/systemd/nspawn/propagate/${machine}`, { recursive: true, force: true });
    };
    process.once('exit', removeAtExit);
    const system = new BootedSystem(
      nspawn,
      await leaderOf(nspawn, { waitMs: LOCK_SECONDS * 1_000 }),
      removeAtExit,
    );
    await system.#untilBooted();
    return system;
  }

  /** Runs a command inside to its end, whatever its exit status. */
  async exec(argv: readonly string[], options: BootedCommandOptions = {}): Promise<CommandResult> {
    return await runCommand(this.#argv(argv, options), withoutEnv(options));
  }

  /** Runs a command inside that must succeed. */
  async must(argv: readonly string[], options: BootedCommandOptions = {}): Promise<string> {
    return await mustRun(this.#argv(argv, options), withoutEnv(options));
  }

  /** Starts a command inside; the system's end ends it at the latest. Its own `kill` does not reach through nsenter. */
  spawn(argv: readonly string[], options: BootedCommandOptions = {}): Child {
    return new Child(this.#argv(argv, options), withoutEnv(options));
  }

  /** As a machine does: everything ends, what was written stays, and it boots again. */
  async reboot(): Promise<void> {
    const before = this.#leader;
    // SIGRTMIN+5 (systemd(1)).
    await runCommand(['kill', '-s', 'RTMIN+5', String(before)]);
    this.#leader = await leaderOf(this.#nspawn, { before });
    await this.#untilBooted();
  }

  /** Powers off. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#nspawn.isRunning) {
      // SIGRTMIN+4 (systemd(1)); Node.js has no name for it.
      await runCommand(['kill', '-s', 'RTMIN+4', String(this.#leader)]);
      const timer = setTimeout(() => this.#nspawn.kill('SIGKILL'), POWER_OFF_MS);
      await this.#nspawn.exited;
      clearTimeout(timer);
    }
    process.off('exit', this.#removeAtExit);
    this.#removeAtExit();
  }

  async #untilBooted(): Promise<void> {
    await until(
      async () => {
        if (!this.#nspawn.isRunning) throw new Error(`did not boot: ${this.#nspawn.stderr}`);
        const { stdout } = await this.exec(['systemctl', 'is-system-running', '--wait']);
        return ['running', 'degraded'].includes(stdout.trim());
      },
      { deadlineMs: BOOT_MS, what: () => `booted: ${this.#nspawn.stdout} ${this.#nspawn.stderr}` },
    );
  }

  #argv(argv: readonly string[], { user = 'root', env = {} }: BootedCommandOptions): string[] {
    const enter = ['nsenter', '-t', String(this.#leader), '-m', '-u', '-i', '-n', '-p', '--'];
    const become = user === 'root' ? [] : ['runuser', '-u', user, '--'];
    const variables = Object.entries({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      HOME: user === 'root' ? '/root' : `/home/${user}`,
      ...env,
    }).map(([name, value]) => `${name}=${value}`);
    return [...enter, ...become, 'env', '-C', '/', '-i', ...variables, ...argv];
  }
}

/** It is for the command inside, not for nsenter. */
function withoutEnv({ env: _env, ...options }: BootedCommandOptions): CommandOptions {
  return options;
}

/** Its process 1, seen from here. */
async function leaderOf(
  nspawn: Child,
  { before, waitMs = 0 }: { readonly before?: number; readonly waitMs?: number },
): Promise<number> {
  return await until(
    async () => {
      if (!nspawn.isRunning) throw new Error(`systemd-nspawn ended: ${nspawn.stderr}`);
      for (const pid of await descendantsOf(nspawn.pid)) {
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
        const isFirst = /^NSpid:.*\t1$/m.test(status) && /^Name:\tsystemd$/m.test(status);
        if (isFirst && pid !== before) return pid;
      }
      return undefined;
    },
    { deadlineMs: waitMs + BOOT_MS, what: () => `process 1 of systemd-nspawn: ${nspawn.stderr}` },
  );
}

/** The shell, nspawn, and its children. */
async function descendantsOf(pid: number, depth = 3): Promise<readonly number[]> {
  if (depth === 0) return [];
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.split(' ').filter(Boolean).map(Number);
  return [
    ...children,
    ...(await Promise.all(children.map((child) => descendantsOf(child, depth - 1)))).flat(),
  ];
}
