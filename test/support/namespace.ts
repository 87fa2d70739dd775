import { Child, type CommandOptions, type CommandResult, mustRun, runCommand } from './child.ts';
import type { Machine } from './machine.ts';
import { until } from './until.ts';

/** What a command in a namespace runs with. */
export interface NamespaceCommandOptions extends CommandOptions {
  /** A user of the lab's machine; root when left out. */
  readonly user?: string;
}

/** One network namespace of the lab, with the lab's own users, hosts, resolver and /run. */
export class Namespace {
  readonly name: string;
  readonly #machine: Machine;

  private constructor(name: string, machine: Machine) {
    this.name = name;
    this.#machine = machine;
  }

  /** Adds the namespace, with loopback up and nothing forwarded. */
  static async add(name: string, machine: Machine): Promise<Namespace> {
    await mustRun(['ip', 'netns', 'add', name]);
    const namespace = new Namespace(name, machine);
    await namespace.ip(['link', 'set', 'lo', 'up']);
    await namespace.must(['sysctl', '-qw', 'net.ipv4.ip_forward=0', 'net.ipv6.conf.all.forwarding=0']);
    return namespace;
  }

  /** Runs `ip` on this namespace; its words as a list or as one string. */
  async ip(words: readonly string[] | string): Promise<string> {
    const list = typeof words === 'string' ? words.split(' ') : words;
    return await mustRun(['ip', '-n', this.name, ...list]);
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

  /** All rules of this namespace as text: nft's view, and that of both iptables back ends. Empty when there are none. */
  async rules(): Promise<string> {
    const nft = await this.must(['nft', 'list', 'ruleset']);
    const legacy = await Promise.all(
      ['iptables-legacy-save', 'ip6tables-legacy-save'].map(async (tool) => {
        const result = await this.exec(['sh', '-c', `command -v ${tool} >/dev/null && exec ${tool} || true`]);
        return result.stdout.split('\n').filter((line) => line.startsWith('-A') || /^:\S+ - /.test(line));
      }),
    );
    return [nft.trim(), ...legacy.flat()].filter(Boolean).join('\n');
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
  }

  #argv(argv: readonly string[], options: NamespaceCommandOptions): string[] {
    const user = options.user ?? 'root';
    const become =
      user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];
    return ['ip', 'netns', 'exec', this.name, '/bin/sh', this.#machine.enterScript, ...become, ...argv];
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
        LAB_RUN: `${this.#machine.directory}/run-${this.name}`,
      },
    };
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
