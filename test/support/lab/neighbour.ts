import { readdir, readlink } from 'node:fs/promises';
import type { Child, CommandResult } from '../process/child.ts';
import type { ApplicationRequest, ApplicationResult } from './application.ts';
import type { Namespace } from './namespace.ts';

/** Where a machine is connected to another one's link. */
export interface Connection {
  /** The device on the other machine. */
  readonly device: string;
  /** The bridge there that the device is a port of; left out: it has addresses of its own. */
  readonly bridge?: string;
  /** Each with the length of its prefix. */
  readonly addresses: readonly string[];
  /** The other machine's, by which all else is reached. */
  readonly gateways: readonly string[];
}

/** A machine beside one of the lab, as a container or one of its LAN: a network namespace, which ends with its only process. */
export class Neighbour implements AsyncDisposable {
  readonly #host: Namespace;
  readonly #holder: Child;

  private constructor(host: Namespace, holder: Child) {
    this.#host = host;
    this.#holder = holder;
  }

  /** Makes one that is connected to `host`. */
  static async join(
    host: Namespace,
    { device, bridge, addresses, gateways }: Connection,
  ): Promise<Neighbour> {
    const holder = host.spawn(['unshare', '--net', 'sh', '-c', 'echo there; read -r _'], {
      interactive: true,
    });
    const neighbour = new Neighbour(host, holder);
    try {
      await holder.untilOutput(/there/);
      await host.ipEach([
        `link add ${device} type veth peer name eth0 netns ${holder.pid}`,
        ...(bridge === undefined ? [] : [`link set ${device} master ${bridge}`]),
        `link set ${device} up`,
      ]);
      const commands = [
        'link set lo up',
        ...addresses.map((address) => `addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`),
        'link set eth0 up',
        ...gateways.map((gateway) => `route add default via ${gateway}`),
      ];
      await host.must(neighbour.#argv(['ip', '-batch', '-']), { stdin: commands.join('\n') });
      return neighbour;
    } catch (error) {
      await neighbour[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Its first process. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** The processes in it beside its first. */
  async pids(): Promise<number[]> {
    const own = await readlink(`/proc/${this.pid}/ns/net`);
    const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== this.pid);
    const namespaces = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => '')));
    return pids.filter((_pid, index) => namespaces[index] === own);
  }

  /** All rules in it, and routes for marked packets; empty when there are none. */
  async rules(): Promise<string> {
    const script =
      'nft list ruleset; iptables-legacy-save | grep ^-A; ip6tables-legacy-save | grep ^-A; ip rule show pref 116; ip -6 rule show pref 116; true';
    return (await this.exec(['sh', '-c', script])).stdout.trim();
  }

  /** Runs a command there to its end, whatever its exit status. */
  async exec(argv: readonly string[]): Promise<CommandResult> {
    return await this.#host.exec(this.#argv(argv));
  }

  /** Starts a command there; the caller owns it. */
  spawn(argv: readonly string[]): Child {
    return this.#host.spawn(this.#argv(argv));
  }

  /** Runs one application there. */
  async application(request: ApplicationRequest): Promise<ApplicationResult> {
    const output = await this.#host.must(
      this.#argv(['node', 'test/support/lab/client.entry.mjs', JSON.stringify(request)]),
    );
    return JSON.parse(output) as ApplicationResult;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.kill('SIGKILL');
    await this.#holder.exited;
  }

  #argv(argv: readonly string[]): string[] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, ...argv];
  }
}
