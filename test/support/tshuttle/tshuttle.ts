import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { ADDRESSES, type Lab } from '../lab/lab.ts';
import type { NamespaceCommandOptions } from '../lab/namespace.ts';
import type { Child, CommandResult } from '../process/child.ts';
import { until } from '../process/until.ts';

/** The one line that a foreground tshuttle prints when traffic is captured and the bastion is connected. */
export const READY = /^tshuttle: .* through .*, by \w+; stop it with/m;

/** The client's own resolver, where a test runs one. */
const CLIENT_RESOLVER = 'dnsmasq';

/** How soon rules and processes must be gone after any ending. */
const GONE_WITHIN_MS = 2_000;

/** What a run of tshuttle in the lab's client can be given. */
export interface TshuttleOptions extends NamespaceCommandOptions {
  /** `user@host[:port]`; root on the lab's bastion over IPv4 when left out. */
  readonly remote?: string;
  /** Replaces the identity and known_hosts options. */
  readonly sshOptions?: readonly string[];
}

/** The whole command line, for the lab's bastion. */
export function tshuttleArgv(lab: Lab, args: readonly string[], options: TshuttleOptions = {}): string[] {
  const key = options.user === undefined ? lab.sshd.userKey : lab.sshd.ordinaryUserKey;
  const sshOptions = options.sshOptions ?? ['-i', key, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
  return [
    'node',
    'bin/tshuttle',
    '-r',
    options.remote ?? `root@${ADDRESSES.bastion4}`,
    ...sshOptions,
    ...args,
  ];
}

/** Starts tshuttle in the client and waits until it is ready. */
export async function startTshuttle(
  lab: Lab,
  args: readonly string[],
  options: TshuttleOptions = {},
): Promise<Child> {
  const child = lab.client.spawn(tshuttleArgv(lab, args, options), options);
  await child.untilOutput(READY, 30_000);
  return child;
}

/** Runs tshuttle to its end, whatever its exit status. */
export async function runTshuttle(
  lab: Lab,
  args: readonly string[],
  options: TshuttleOptions = {},
): Promise<CommandResult> {
  return await lab.client.exec(tshuttleArgv(lab, args, options), options);
}

/** Ends a foreground tshuttle as a service manager does, and checks that it left the client as it was. */
export async function stopTshuttle(lab: Lab, child: Child): Promise<void> {
  child.kill('SIGTERM');
  const result = await child.exited;
  expect(result, result.stderr).toMatchObject({ code: 0 });
  await expectNothingLeft(lab);
}

/** Ends what a test that has failed has left running, so that the tests after it fail only for their own reasons. */
export async function endAllTshuttles(lab: Lab): Promise<void> {
  const isTshuttle = ({ argv }: ClientProcess): boolean => argv[0] === 'tshuttle';
  const left = (await clientProcesses(lab)).filter(isTshuttle);
  for (const { pid } of left) process.kill(pid, 'SIGTERM');
  if (left.length > 0) await expectNothingLeft(lab);
}

/** Checks that within 2 s the client has no rule that redirects and none of ours, and no process. */
export async function expectNothingLeft(lab: Lab): Promise<void> {
  let state = '';
  await until(
    async () => {
      // One after the other: the commands that show the rules are processes in the client, too.
      const rules = await lab.client.rules();
      const processes = (await clientProcesses(lab)).filter(({ argv }) => argv[0] !== CLIENT_RESOLVER);
      state = `${rules}\n${processes.map(({ pid, argv }) => `${pid} ${argv.join(' ')}`).join('\n')}`;
      return !/tshuttle|redirect|REDIRECT/i.test(rules) && processes.length === 0;
    },
    { deadlineMs: GONE_WITHIN_MS, what: () => `nothing left of tshuttle in the client:\n${state}` },
  );
}

/** A process in the client's namespace. */
export interface ClientProcess {
  readonly pid: number;
  readonly argv: readonly string[];
}

/** The processes in the client's namespace. Commands that the test runs there at the same time are among them. */
export async function clientProcesses(lab: Lab): Promise<ClientProcess[]> {
  const pids = await lab.client.pids();
  const processes = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid, argv: text.split('\0').filter((word) => word !== '') };
    }),
  );
  return processes.filter(({ argv }) => argv.length > 0); // the others have ended meanwhile
}

/** The parts of a running tshuttle, by role. */
export interface TshuttleProcesses {
  readonly main: number;
  readonly helper: number;
  /** Undefined when tshuttle was started by root. */
  readonly sudo: number | undefined;
  readonly all: readonly number[];
}

/** Finds the processes of the one tshuttle that runs in the client. */
export async function tshuttleProcesses(lab: Lab): Promise<TshuttleProcesses> {
  const processes = await clientProcesses(lab);
  const isHelper = ({ argv }: ClientProcess) =>
    argv.some((word) => /tshuttle-helper|intercept\/helper\/(?!guardian)/.test(word));
  const isSudo = ({ argv }: ClientProcess) => /(?:^|\/)sudo$/.test(argv[0] ?? '');
  // tshuttle replaces its command line, in which a password may stand, by its name.
  const main = processes.find(({ argv }) => argv[0] === 'tshuttle');
  const helper = processes.find((process) => isHelper(process) && !isSudo(process));
  if (main === undefined || helper === undefined) {
    throw new Error(`not the processes of a tshuttle: ${JSON.stringify(processes)}`);
  }
  return {
    main: main.pid,
    helper: helper.pid,
    sudo: processes.find(isSudo)?.pid,
    all: processes.map(({ pid }) => pid),
  };
}

/** Resident memory of a process, in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}

/** Waits until tshuttle has said something: what it logs may arrive after what it did. */
export async function untilSaid(tshuttle: Child, text: string): Promise<void> {
  await until(() => tshuttle.stderr.includes(text), {
    deadlineMs: 3_000,
    what: () => `${text}\nin: ${tshuttle.stderr}`,
  });
}
