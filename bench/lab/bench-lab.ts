import { join } from 'node:path';
import { openLabSite } from '../../test/support/lab/lab-site.ts';
import type { Machine } from '../../test/support/lab/machine.ts';
import type { Namespace } from '../../test/support/lab/namespace.ts';
import { newerSshd, skipNewerSshd } from '../../test/support/lab/newer-sshd.ts';
import { Sshd } from '../../test/support/lab/sshd.ts';
import { until } from '../../test/support/process/until.ts';
import { compileProgram } from './compile.ts';

/**
 * The addresses of the bench's lab.
 *
 *     client                    bastion                       destination
 *     198.51.100.2 ── path ──   198.51.100.1
 *     192.168.50.1              10.77.0.1     ── inner0 ──    10.77.0.2:7000
 *         │ eth1
 *     192.168.50.2 neighbour
 *
 * The path is a veth pair or an emulated link (paths.ts). Client and destination have routes to each other through the
 * bastion, which forwards packets only for the peer that measures plain TCP.
 */
export const ADDRESSES = {
  client: '198.51.100.2',
  bastion: '198.51.100.1',
  bastionInner: '10.77.0.1',
  destination: '10.77.0.2',
  network: '10.77.0.0/24',
  clientForNeighbour: '192.168.50.1',
  neighbour: '192.168.50.2',
} as const;

/** Nobody is there; queries to it are captured where a peer is told so. */
export const CAPTURED_NAMESERVER = '198.51.100.53';

/** The client's interface that what the neighbour sends comes in by. */
export const NEIGHBOUR_INTERFACE = 'eth1';

/** Where the load program serves, at the destination. */
export const DESTINATION_PORT = 7000;

/** Four network namespaces: client, bastion with sshd, destination with the load server, and a machine behind the client. */
export interface BenchLab extends AsyncDisposable {
  readonly directory: string;
  readonly machine: Machine;
  readonly client: Namespace;
  readonly bastion: Namespace;
  readonly destination: Namespace;
  /** Reaches the destination through the client, where a peer carries what is not the client's own. */
  readonly neighbour: Namespace;
  readonly sshd: Sshd;
  /** The compiled programs. */
  readonly programs: { readonly load: string; readonly linkEmulator: string };
  /** Shared memory in which the load server counts what it takes. */
  readonly counterFile: string;
  /** Has this machine's OpenSSH be the bastion's, or one of 9.9 or later. @throws Error when there is none */
  useSshd(which: 'own' | 'newer'): Promise<void>;
  /** Ends what a peer has left: processes and rules in the client, sessions at the bastion. */
  clear(): Promise<void>;
}

/**
 * Builds the lab, without a path between client and bastion. Disposing of it, and the end of this process, remove all
 * it made.
 */
export async function createBenchLab(): Promise<BenchLab> {
  const site = await openLabSite(['client', 'bastion', 'destination', 'neighbour']);
  const dispose = () => site[Symbol.asyncDispose]();
  try {
    const { directory, machine } = site;
    const [client, bastion, destination, neighbour] = site.namespaces;
    const programs = {
      load: await compileProgram('load', join(directory, 'load')),
      linkEmulator: await compileProgram('link', join(directory, 'linkemu')),
    };
    await prepareNamespaces(client, bastion, destination);
    await joinNeighbour(client, neighbour);
    const counterFile = join(directory, 'counter');
    const server = destination.spawn([
      programs.load,
      'serve',
      ADDRESSES.destination,
      String(DESTINATION_PORT),
      counterFile,
    ]);
    await server.untilOutput(/ready/);
    const sshd = await Sshd.start(machine, bastion, [ADDRESSES.bastion], []);
    let [used, listener]: ['own' | 'newer', readonly number[]] = ['own', await bastion.pids()];
    return {
      directory,
      machine,
      client,
      bastion,
      destination,
      neighbour,
      sshd,
      programs,
      counterFile,
      useSshd: async (which) => {
        if (which === used) return;
        if (which === 'newer' && skipNewerSshd)
          throw new Error('no OpenSSH 9.9 or later here (bash .ci/fresh-debian makes one)');
        await sshd.restart([], which === 'newer' ? await newerSshd(directory) : undefined);
        [used, listener] = [which, await bastion.pids()];
      },
      clear: async () => {
        await endProcesses(neighbour, []);
        await endProcesses(client, []);
        await client.must(['nft', 'flush', 'ruleset']);
        // Else a new connection may meet the mapping of a peer that has ended (native-notes/stale-mappings.md).
        await client.must(['conntrack', '--flush']);
        await endProcesses(bastion, listener);
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function prepareNamespaces(
  client: Namespace,
  bastion: Namespace,
  destination: Namespace,
): Promise<void> {
  await bastion.ip(`link add inner0 type veth peer name eth0 netns ${destination.name}`);
  await bastion.ip(`addr add ${ADDRESSES.bastionInner}/24 dev inner0`);
  await destination.ip(`addr add ${ADDRESSES.destination}/24 dev eth0`);
  await bastion.ip('link set inner0 up');
  await destination.ip('link set eth0 up');
  await destination.ip(`route add default via ${ADDRESSES.bastionInner}`);
  // sshd is told to listen before the path that brings its address exists.
  await bastion.must(['sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1']);
  for (const namespace of [client, bastion, destination]) await allowManyConnections(namespace);
}

async function joinNeighbour(client: Namespace, neighbour: Namespace): Promise<void> {
  await client.ip(`link add ${NEIGHBOUR_INTERFACE} type veth peer name eth0 netns ${neighbour.name}`);
  await client.ip(`addr add ${ADDRESSES.clientForNeighbour}/24 dev ${NEIGHBOUR_INTERFACE}`);
  await neighbour.ip(`addr add ${ADDRESSES.neighbour}/24 dev eth0`);
  await client.ip(`link set ${NEIGHBOUR_INTERFACE} up`);
  await neighbour.ip('link set eth0 up');
  await neighbour.ip(`route add default via ${ADDRESSES.clientForNeighbour}`);
  await allowManyConnections(neighbour);
}

async function allowManyConnections(namespace: Namespace): Promise<void> {
  await namespace.must([
    'sysctl',
    '-qw',
    'net.core.somaxconn=4096',
    'net.ipv4.tcp_max_syn_backlog=4096',
    'net.ipv4.ip_local_port_range=10240 65000',
    'net.ipv4.tcp_tw_reuse=1',
  ]);
}

async function endProcesses(namespace: Namespace, kept: readonly number[]): Promise<void> {
  await until(
    async () => {
      const pids = (await namespace.pids()).filter((pid) => !kept.includes(pid));
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself in the meantime.
        }
      }
      return pids.length === 0;
    },
    { deadlineMs: 10_000, what: `no process of a peer left in ${namespace.name}` },
  );
}
