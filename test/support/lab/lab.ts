import { type ApplicationRequest, type ApplicationResult, runApplication } from './application.ts';
import { openLabSite } from './lab-site.ts';
import type { Machine } from './machine.ts';
import type { Namespace } from './namespace.ts';
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

/**
 * Builds a lab. Disposing of it ends every process in its namespaces and removes all it made.
 *
 * @throws Error naming what this machine lacks.
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const missing = missingForLab();
  if (missing !== undefined) throw new Error(missing);

  const site = await openLabSite(['client', 'bastion', 'destination']);
  const dispose = () => site[Symbol.asyncDispose]();
  try {
    const { directory, machine } = site;
    const [client, bastion, destination] = site.namespaces;
    await wire(client, bastion, destination);
    const addresses = [ADDRESSES.bastion4, ADDRESSES.bastion6];
    const [sshd] = await Promise.all([
      Sshd.start(machine, bastion, addresses, options.sshd ?? []),
      startDestination(destination),
    ]);
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
  // Without duplicate address detection an address is usable at once.
  const address6 = (address: string, device: string) => `addr add ${address}/64 dev ${device} nodad`;
  const address4 = (address: string, device: string) => `addr add ${address}/24 dev ${device}`;
  await client.ipEach([
    `link add up0 type veth peer name outer0 netns ${bastion.name}`,
    address4(a.client4, 'up0'),
    address6(a.client6, 'up0'),
    'link set up0 up',
    `route add default via ${a.bastion4}`,
    `route add default via ${a.bastion6}`,
  ]);
  await bastion.ipEach([
    `link add inner0 type veth peer name eth0 netns ${destination.name}`,
    address4(a.bastion4, 'outer0'),
    address6(a.bastion6, 'outer0'),
    address4(a.bastionInner4, 'inner0'),
    address6(a.bastionInner6, 'inner0'),
    'link set outer0 up',
    'link set inner0 up',
    `route add 10.78.0.0/24 via ${a.destination4}`,
    `route add fd78::/64 via ${a.destination6}`,
  ]);
  await destination.ipEach([
    ...[a.destination4, a.otherDestination4, a.farDestination4].map((address) => address4(address, 'eth0')),
    ...[a.destination6, a.otherDestination6, a.farDestination6].map((address) => address6(address, 'eth0')),
    'link set eth0 up',
    `route add default via ${a.bastionInner4}`,
    `route add default via ${a.bastionInner6}`,
  ]);
}

async function startDestination(destination: Namespace): Promise<void> {
  const ports = [...DESTINATION_PORTS, HTTP_PORT].map(String);
  const child = destination.spawn(['node', 'test/support/lab/destination.entry.mjs', ...ports]);
  await child.untilOutput(/ready/);
}
