import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import type { Namespace } from '../lab/namespace.ts';
import { until } from '../process/until.ts';

/** A real resolver in a lab, which ends with it. */
export interface Dnsmasq {
  /** What it has logged: every query that it was asked. */
  log(): Promise<string>;
  /** Gives names other addresses, at once. */
  setHosts(lines: readonly string[]): Promise<void>;
}

/** What a resolver knows, and where it is. */
export interface DnsmasqOptions {
  /** Tells several of one lab apart. */
  readonly name: string;
  readonly listenAddress: string;
  /** Lines of a hosts file. */
  readonly hosts: readonly string[];
  /** For each answer from the hosts file. */
  readonly ttlSeconds?: number;
  /** Further options. */
  readonly options?: readonly string[];
}

/** Starts dnsmasq in a namespace and waits until it answers. It knows what it is told, and asks nobody. */
export async function startDnsmasq(
  lab: Lab,
  namespace: Namespace,
  { name, listenAddress, hosts, ttlSeconds = 60, options = [] }: DnsmasqOptions,
): Promise<Dnsmasq> {
  const hostsFile = join(lab.directory, `dnsmasq-${name}-hosts`);
  const logFile = join(lab.directory, `dnsmasq-${name}.log`);
  const writeHosts = (lines: readonly string[]) => writeFile(hostsFile, `${lines.join('\n')}\n`);
  await writeHosts(hosts);
  const child = namespace.spawn([
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--user=root',
    '--no-resolv',
    '--no-hosts',
    '--pid-file=',
    `--local-ttl=${ttlSeconds}`,
    '--bind-interfaces',
    `--listen-address=${listenAddress}`,
    `--addn-hosts=${hostsFile}`,
    '--log-queries',
    `--log-facility=${logFile}`,
    ...options,
  ]);
  await until(async () => (await namespace.must(['ss', '-Hltn', 'sport = :53'])) !== '', {
    deadlineMs: 5_000,
    what: () => `dnsmasq: ${child.stderr}`,
  });
  return {
    log: () => readFile(logFile, 'utf8'),
    setHosts: async (lines) => {
      await writeHosts(lines);
      // dnsmasq(8): it reads its hosts files again, and forgets what it knew.
      child.kill('SIGHUP');
    },
  };
}
