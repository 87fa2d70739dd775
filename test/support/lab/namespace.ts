import { type FileHandle, open } from 'node:fs/promises';
import { Child, type CommandOptions, type CommandResult, mustRun, runCommand } from '../process/child.ts';
import { until } from '../process/until.ts';
import type { Machine } from './machine.ts';

/** What a command in a namespace runs with. */
export interface NamespaceCommandOptions extends CommandOptions {
  /** A user of the lab's machine; root when left out. */
  readonly user?: string;
}

/** Stays, with the mounts of the table that is its argument, until it is killed or its standard input ends. */
const PREPARE = `
  ip link set lo up
  sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
  mount --all --fstab "$1"
  echo prepared
  read -r _`;

/** One network namespace of the lab and one mount namespace, with the lab's own users, hosts, resolver and /run. */
export class Namespace {
  readonly name: string;
  readonly #machine: Machine;
  /** Keeps the mount namespace, so that it is gone with the test process at the latest. */
  readonly #mounts: FileHandle;

  private constructor(name: string, machine: Machine, mounts: FileHandle) {
    this.name = name;
    this.#machine = machine;
    this.#mounts = mounts;
  }

  /** Adds namespaces, with loopback up and nothing forwarded: all of them, or none where one fails. */
  static async add(names: readonly string[], machine: Machine): Promise<Namespace[]> {
    const added = await Promise.allSettled(names.map((name) => Namespace.#addOne(name, machine)));
    const namespaces = added.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failure = added.find((one) => one.status === 'rejected');
    if (failure === undefined) return namespaces;
    await Promise.all(namespaces.map((namespace) => namespace.remove()));
    throw failure.reason;
  }

  static async #addOne(name: string, machine: Machine): Promise<Namespace> {
    await mustRun(['ip', 'netns', 'add', name]);
    try {
      return new Namespace(name, machine, await openMounts(name, machine));
    } catch (error) {
      await runCommand(['ip', 'netns', 'del', name]);
      throw error;
    }
  }

  /** Runs `ip` on this namespace; its words as a list or as one string. */
  async ip(words: readonly string[] | string): Promise<string> {
    const list = typeof words === 'string' ? words.split(' ') : words;
    return await mustRun(['ip', '-n', this.name, ...list]);
  }

  /** Runs `ip` once for several of its commands, in order, up to the first that fails. */
  async ipEach(commands: readonly string[]): Promise<void> {
    await mustRun(['ip', '-n', this.name, '-batch', '-'], { stdin: commands.join('\n') });
  }

  /** Starts a command inside; the caller owns it, and the lab's end ends it at the latest. */
  spawn(argv: readonly string[], options: NamespaceCommandOptions = {}): Child {
    return new Child(this.#argv(argv, options), this.#options(options));
  }

  /** Runs a command inside to its end, whatever its exit status. */
  async exec(argv: readonly string[], options: NamespaceCommandOptions = {}): Promise<CommandResult> {
    return await runCommand(this.#argv(argv, options), this.#options(options));
  }

  /** Runs a command inside that must succeed. */
  async must(argv: readonly string[], options: NamespaceCommandOptions = {}): Promise<string> {
    return await mustRun(this.#argv(argv, options), this.#options(options));
  }

  /** The processes inside, whoever started them. */
  async pids(): Promise<number[]> {
    const text = await mustRun(['ip', 'netns', 'pids', this.name]);
    return text.split('\n').filter(Boolean).map(Number);
  }

  /** The routing rules and routes that lead marked packets of ours to this machine, as ip(8) prints them. */
  async markedRoutes(): Promise<string[]> {
    const script =
      'for family in -4 -6; do ip $family rule show pref 116; ip $family route show table all proto 116; done';
    return (await this.must(['sh', '-euc', script])).split('\n').filter(Boolean);
  }

  /**
   * All rules of this namespace as text: nft's view, that of both iptables back ends, and routing rules of ours. Empty when there are
   * none.
   */
  async rules(): Promise<string> {
    const nft = await this.must(['nft', 'list', 'ruleset']);
    const legacy = await Promise.all(
      ['iptables-legacy-save', 'ip6tables-legacy-save'].map(async (tool) => {
        const result = await this.exec(['sh', '-c', `command -v ${tool} >/dev/null && exec ${tool} || true`]);
        return result.stdout.split('\n').filter((line) => line.startsWith('-A') || /^:\S+ - /.test(line));
      }),
    );
    const routes = (await this.markedRoutes()).map((line) => `tshuttle: ${line}`);
    return [nft.trim(), ...legacy.flat(), ...routes].filter(Boolean).join('\n');
  }

  /** Ends every process inside and removes the namespace. Idempotent. */
  async remove(): Promise<void> {
    await until(
      async () => {
        const pids = await this.pids().catch(() => []);
        for (const pid of pids) killIfAlive(pid);
        return pids.length === 0;
      },
      { deadlineMs: 5_000, what: `no process left in ${this.name}` },
    );
    await runCommand(['ip', 'netns', 'del', this.name]);
    await this.#mounts.close();
  }

  #argv(argv: readonly string[], options: NamespaceCommandOptions): string[] {
    const user = options.user ?? 'root';
    const become =
      user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];
    const enter = [`--net=/run/netns/${this.name}`, `--mount=/proc/${process.pid}/fd/${this.#mounts.fd}`];
    // The folder is one of the mount namespace, so it can be entered only inside.
    return ['nsenter', ...enter, 'env', `--chdir=${this.#machine.repository}`, ...become, ...argv];
  }

  #options(options: NamespaceCommandOptions): CommandOptions {
    const user = options.user ?? 'root';
    return {
      ...options,
      env: {
        PATH: `${this.#machine.nodeFolder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        HOME: this.#machine.homeOf(user),
        USER: user,
        LOGNAME: user,
        LANG: 'C.UTF-8',
        ...options.env,
      },
    };
  }
}

/** Mounts once what every command in a namespace sees: mounting for each of them takes longer than most of them run. */
async function openMounts(name: string, machine: Machine): Promise<FileHandle> {
  const argv = ['ip', 'netns', 'exec', name, 'sh', '-euc', PREPARE, 'sh', machine.mountTableOf(name)];
  const holder = new Child(argv, { interactive: true });
  try {
    await holder.untilOutput(/prepared/);
    return await open(`/proc/${holder.pid}/ns/mnt`);
  } finally {
    holder.kill('SIGKILL');
    await holder.exited;
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
