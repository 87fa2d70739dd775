import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApplicationRequest, type ApplicationResult, runApplication } from './application.ts';
import { mustRun } from './child.ts';
import { labName, removeLabsOfDeadProcesses, removeNamespaceNow } from './leftovers.ts';
import { layOutMachine, type Machine } from './machine.ts';
import { Namespace } from './namespace.ts';
import { missingForLab } from './requirements.ts';
import { Sshd, type SshdOptions } from './sshd.ts';

/**
 * The addresses of the lab.
 *
 *     client                      bastion                          destination
 *     198.51.100.2    ── up0 ──   198.51.100.1
 *     2001:db8:51::2              2001:db8:51::1
 *                                 10.77.0.1      ── inner0 ──      10.77.0.2  10.77.0.3  10.78.0.2
 *                                 fd77::1                          fd77::2    fd77::3    fd78::2
 *
 * The client's default route, v4 and v6, leads to the bastion, which forwards nothing; the destination's leads to the
 * bastion as well, so that only the bastion's refusal to forward stands between them.
 */
export const ADDRESSES = {
  client4: '198.51.100.2',
  client6: '2001:db8:51::2',
  bastion4: '198.51.100.1',
  bastion6: '2001:db8:51::1',
  /** What the destination must see as the peer. */
  bastionInner4: '10.77.0.1',
  bastionInner6: 'fd77::1',
  destination4: '10.77.0.2',
  otherDestination4: '10.77.0.3',
  /** In another /24, behind the same host. */
  farDestination4: '10.78.0.2',
  destination6: 'fd77::2',
  otherDestination6: 'fd77::3',
  farDestination6: 'fd78::2',
} as const;

/** Ports the destination serves with the line protocol of destination.entry.mjs, on all its addresses. */
const DESTINATION_PORTS = [7000, 7001, 8000, 8001, 8005, 8010] as const;

/** The destination's HTTP port. */
export const HTTP_PORT = 7080;

/** What can be chosen about a lab. */
export interface LabOptions {
  /** sshd configuration lines that take precedence. */
  readonly sshd?: SshdOptions;
}

/** Three network namespaces, a real sshd in the middle one and a destination behind it. */
export interface Lab extends AsyncDisposable {
  /** Temporary; gone with the lab. Readable by every user. */
  readonly directory: string;
  readonly machine: Machine;
  readonly client: Namespace;
  readonly bastion: Namespace;
  readonly destination: Namespace;
  readonly sshd: Sshd;
  /** Runs one application in the client's namespace (client.entry.mjs). */
  application(request: ApplicationRequest): Promise<ApplicationResult>;
}

let labCount = 0;

/**
 * Builds a lab. Disposing of it ends every process in its namespaces and removes all it made; so does the end of the
 * test process, as far as that still runs code.
 *
 * @throws Error naming what this machine lacks.
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const missing = missingForLab();
  if (missing !== undefined) throw new Error(missing);

  removeLabsOfDeadProcesses();

  labCount += 1;
  const prefix = labName(labCount);
  const names = ['client', 'bastion', 'destination'].map((role) => `${prefix}-${role}`);
  const directory = mkdtempSync(join(tmpdir(), `${prefix}-`));
  chmodSync(directory, 0o755);
  const removeAtExit = () => {
    names.forEach(removeNamespaceNow);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('exit', removeAtExit);

  const namespaces: Namespace[] = [];
  const dispose = async () => {
    await Promise.all(namespaces.map((namespace) => namespace.remove()));
    rmSync(directory, { recursive: true, force: true });
    process.off('exit', removeAtExit);
  };
  try {
    const machine = await layOutMachine(directory, names);
    for (const name of names) namespaces.push(await Namespace.add(name, machine));
    const [client, bastion, destination] = namespaces as [Namespace, Namespace, Namespace];
    await wire(client, bastion, destination);
    await startDestination(destination);
    const sshd = await Sshd.start(
      machine,
      bastion,
      [ADDRESSES.bastion4, ADDRESSES.bastion6],
      options.sshd ?? [],
    );
    return {
      directory,
      machine,
      client,
      bastion,
      destination,
      sshd,
      application: (request) => runApplication(client, request),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function wire(client: Namespace, bastion: Namespace, destination: Namespace): Promise<void> {
  const a = ADDRESSES;
  await mustRun(
    `ip -n ${client.name} link add up0 type veth peer name outer0 netns ${bastion.name}`.split(' '),
  );
  await mustRun(
    `ip -n ${bastion.name} link add inner0 type veth peer name eth0 netns ${destination.name}`.split(' '),
  );
  const links: ReadonlyArray<readonly [Namespace, string, readonly string[], readonly string[]]> = [
    [client, 'up0', [`${a.client4}/24`], [`${a.client6}/64`]],
    [bastion, 'outer0', [`${a.bastion4}/24`], [`${a.bastion6}/64`]],
    [bastion, 'inner0', [`${a.bastionInner4}/24`], [`${a.bastionInner6}/64`]],
    [
      destination,
      'eth0',
      [`${a.destination4}/24`, `${a.otherDestination4}/24`, `${a.farDestination4}/24`],
      [`${a.destination6}/64`, `${a.otherDestination6}/64`, `${a.farDestination6}/64`],
    ],
  ];
  for (const [namespace, device, addresses4, addresses6] of links) {
    for (const address of addresses4) await namespace.ip(`addr add ${address} dev ${device}`);
    // Without duplicate address detection an address is usable at once.
    for (const address of addresses6) await namespace.ip(`addr add ${address} dev ${device} nodad`);
    await namespace.ip(`link set ${device} up`);
  }
  await client.ip(`route add default via ${a.bastion4}`);
  await client.ip(`-6 route add default via ${a.bastion6}`);
  await bastion.ip(`route add 10.78.0.0/24 via ${a.destination4}`);
  await bastion.ip(`-6 route add fd78::/64 via ${a.destination6}`);
  await destination.ip(`route add default via ${a.bastionInner4}`);
  await destination.ip(`-6 route add default via ${a.bastionInner6}`);
}

async function startDestination(destination: Namespace): Promise<void> {
  const ports = [...DESTINATION_PORTS, HTTP_PORT].map(String);
  const child = destination.spawn(['node', 'test/support/destination.entry.mjs', ...ports]);
  await child.untilOutput(/ready/);
}
