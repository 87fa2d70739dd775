import { chown, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, mustRun } from '../process/child.ts';
import { until } from '../process/until.ts';
import { type Machine, ORDINARY_USER } from './machine.ts';
import type { Namespace } from './namespace.ts';
import { withoutPenalties } from './sshd-features.ts';

/** Configuration lines that come first: for sshd the first value of a keyword counts. */
export type SshdOptions = readonly string[];

/** An sshd, and how it is started. */
export interface SshdProgram {
  readonly command: readonly string[];
  /** Lines of configuration that it cannot do without. */
  readonly lines: readonly string[];
}

/** A real OpenSSH server in the bastion's namespace, with keys of its own. */
export class Sshd {
  readonly machine: Machine;
  readonly #namespace: Namespace;
  readonly #addresses: readonly string[];
  #child: Child | undefined;
  #logBefore = '';

  private constructor(machine: Machine, namespace: Namespace, addresses: readonly string[]) {
    this.machine = machine;
    this.#namespace = namespace;
    this.#addresses = addresses;
  }

  /** Makes the keys and starts the server on port 22 of the addresses. */
  static async start(
    machine: Machine,
    namespace: Namespace,
    addresses: readonly string[],
    options: SshdOptions,
  ): Promise<Sshd> {
    const sshd = new Sshd(machine, namespace, addresses);
    await Promise.all([sshd.renewHostKey(), makeKey(sshd.userKey), makeKey(sshd.strangerKey)]);
    await writeFile(sshd.#path('authorized_keys'), await readFile(`${sshd.userKey}.pub`));
    await copyFile(sshd.userKey, sshd.ordinaryUserKey);
    await chown(sshd.ordinaryUserKey, ORDINARY_USER.id, ORDINARY_USER.id);
    await sshd.restart(options);
    return sshd;
  }

  /** A private key that the server accepts, for root of the client. */
  get userKey(): string {
    return this.#path('user_key');
  }

  /** The same key, owned by the lab's ordinary user. */
  get ordinaryUserKey(): string {
    return join(this.machine.homeOf(ORDINARY_USER.name), '.ssh', 'lab_key');
  }

  /** A private key that the server refuses. */
  get strangerKey(): string {
    return this.#path('stranger_key');
  }

  /** A known_hosts file that has the server's key under its addresses and its name. */
  get knownHosts(): string {
    return this.#path('known_hosts');
  }

  /** Gives the server another host key, effective at the next restart; `knownHosts` is rewritten unless told not to. */
  async renewHostKey(knownHosts: 'rewrite' | 'keep' = 'rewrite'): Promise<void> {
    await makeKey(this.#path('host_key'));
    if (knownHosts === 'keep') return;
    const key = (await readFile(this.#path('host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
    await writeFile(this.knownHosts, `${[...this.#addresses, 'bastion.lab'].join(',')} ${key}\n`);
  }

  /** Starts the server afresh with other options, or another one; connections of the server before end with it. */
  async restart(options: SshdOptions = [], program?: SshdProgram): Promise<void> {
    await this.stop();
    const { command, lines } = program ?? { command: [await sshdPath()], lines: [] };
    await writeFile(this.#path('sshd_config'), await this.#config([...options, ...lines], command));
    this.#child = this.#namespace.spawn([...command, '-D', '-e', '-f', this.#path('sshd_config')]);
    await this.#child.untilOutput(new RegExp(`(?:listening on [\\s\\S]*?){${this.#addresses.length}}`));
  }

  /** Ends the server and all its connections. Idempotent. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    // A connection's processes outlive the listener: everything in the bastion's namespace belongs to sshd.
    await until(
      async () => {
        const pids = await this.#namespace.pids();
        for (const pid of pids) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It ended by itself in the meantime.
          }
        }
        return pids.length === 0;
      },
      { deadlineMs: 5_000, what: 'no sshd process left' },
    );
    await child.exited;
    this.#logBefore += child.stderr;
  }

  /** What the server has logged since the start of the lab. */
  log(): string {
    return this.#logBefore + (this.#child?.stderr ?? '');
  }

  #path(name: string): string {
    return join(this.machine.directory, name);
  }

  async #config(options: SshdOptions, command: readonly string[]): Promise<string> {
    const lines = [
      ...options,
      'Port 22',
      ...this.#addresses.map((address) => `ListenAddress ${address}`),
      `HostKey ${this.#path('host_key')}`,
      `AuthorizedKeysFile ${this.#path('authorized_keys')}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'UseDNS no',
      'LogLevel VERBOSE',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'MaxStartups 100',
      ...(await withoutPenalties(command)),
    ];
    return `${lines.join('\n')}\n`;
  }
}

async function makeKey(path: string): Promise<void> {
  await mustRun([
    'sh',
    '-c',
    `rm -f '${path}' '${path}.pub' && ssh-keygen -q -t ed25519 -N '' -C lab -f '${path}'`,
  ]);
}

/** sshd insists on being started by its absolute path. */
async function sshdPath(): Promise<string> {
  return (await mustRun(['sh', '-c', 'PATH=$PATH:/usr/sbin:/sbin command -v sshd'])).trim();
}
