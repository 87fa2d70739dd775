import { isIP } from 'node:net';
import { problemsOf, stateWord } from '../../../app/running-tunnels/health.ts';
import type { RunningTunnelHandle } from '../../../app/running-tunnels/running-tunnels.ts';
import type { LookUp } from '../../../config/resolve-subnets.ts';
import { messageOf } from '../../../core/errors.ts';
import { MAX_LISTED } from '../../../daemon/control/protocol.ts';
import { formatHostPort } from '../../../net/address/endpoint.ts';
import { canonicalAddress, familyOf } from '../../../net/address/literal.ts';
import { type Destination, whyNeverCaptured } from './explanation.ts';
import type { CapturingProfile } from './profiles-that-would.ts';
import {
  explainAddressByTunnels,
  explainMapsOfTunnels,
  explainNameByTunnels,
} from './running-explanation.ts';
import { describeWhatHappened, type KnownFlows } from './what-happened.ts';

/** Dependencies of {@link explainByRunning}. */
interface RunningContext {
  readonly print: (text: string) => void;
  /** By this machine's resolver. */
  readonly lookUp: LookUp;
  readonly isOwnAddress: (address: string) => boolean;
  /** The profiles that are not up and would capture one of these hosts. */
  readonly profilesThatWould: (
    hosts: readonly string[],
    port: number | undefined,
  ) => readonly CapturingProfile[];
}

/**
 * Prints which of the tunnels that run captures a destination, by which rule or zone, and why that one; what is wrong with it,
 * and how the last connections there have ended. Where none does, which profile would.
 *
 * @param port undefined for all
 * @param tunnels in the order in which they were started
 * @returns the names of those that capture it
 */
export async function explainByRunning(
  host: string,
  port: number | undefined,
  tunnels: readonly RunningTunnelHandle[],
  context: RunningContext,
): Promise<readonly string[]> {
  const { print } = context;
  const reports = tunnels.map(({ report }) => report);
  const capturing = new Set<string>();
  let addresses: readonly string[] = [host];
  if (isIP(host) === 0) {
    const named = explainNameByTunnels(host, reports);
    for (const line of named.lines) print(`${line}\n`);
    if (named.by === 'name') for (const name of named.capturedBy) capturing.add(name);
    addresses = named.by === 'name' ? [] : (named.addresses ?? (await addressesOrWhy(host, port, context)));
  }
  for (const text of addresses) {
    const address = canonicalAddress(text);
    if (address === undefined) continue;
    const destination = { family: familyOf(address), address, port };
    const never = neverHere(destination, reports, context);
    if (never !== undefined) print(`${never}\n`);
    else if (reports.length > 0) {
      const { lines, capturedBy } = explainAddressByTunnels(destination, reports);
      for (const line of [...lines, ...explainMapsOfTunnels(address, reports)]) print(`${line}\n`);
      for (const name of capturedBy) capturing.add(name);
    }
  }
  const hosts = [...new Set([host, ...addresses])];
  if (capturing.size === 0) tellOfProfiles(hosts, port, tunnels.length > 0, context);
  for (const tunnel of tunnels) {
    if (capturing.has(tunnel.report.name)) for (const line of stateLines(tunnel.report)) print(`${line}\n`);
  }
  await tellWhatHappened(hosts, port, tunnels, capturing, print);
  return [...capturing];
}

/**
 * Prints how the last connections to a destination have ended. A tunnel that goes away meanwhile has nothing to tell.
 *
 * @param hosts the destination by its name and its addresses
 * @param capturing the tunnels that say so, too, where they have seen none
 */
export async function tellWhatHappened(
  hosts: readonly string[],
  port: number | undefined,
  tunnels: readonly RunningTunnelHandle[],
  capturing: ReadonlySet<string>,
  print: (text: string) => void,
): Promise<void> {
  for (const tunnel of tunnels) {
    const known = await flowsOf(tunnel);
    const lines = known === undefined ? [] : describeWhatHappened(hosts, port, known, Date.now());
    for (const line of lines) print(`${line}\n`);
    if (known !== undefined && lines.length === 0 && capturing.has(known.name))
      print(`${known.name} has seen no connection to it\n`);
  }
}

/** What keeps a tunnel from carrying it, in the words of status. */
function stateLines(report: RunningTunnelHandle['report']): readonly string[] {
  return problemsOf(report, Date.now())
    .filter(({ level }) => level === 'problem')
    .flatMap(({ what, remedy }) => [
      `${report.name}: ${stateWord(report.status)}: ${what}`,
      ...(remedy === null ? [] : [`    -> ${remedy}`]),
    ]);
}

function neverHere(
  { address, port }: Destination,
  reports: ReadonlyArray<RunningTunnelHandle['report']>,
  { isOwnAddress }: RunningContext,
): string | undefined {
  const where = port === undefined ? address : formatHostPort(address, port);
  const never = whyNeverCaptured(address, isOwnAddress);
  if (never !== undefined) return `${where}: never captured, ${never}`;
  const way = reports.find(({ status }) => port !== undefined && status?.exempt?.includes(where) === true);
  return way === undefined ? undefined : `${where}: never captured, it leads to the bastion of ${way.name}`;
}

/** What could be started; where nothing is up, also that there is nothing. */
function tellOfProfiles(
  hosts: readonly string[],
  port: number | undefined,
  isAnyUp: boolean,
  { print, profilesThatWould }: RunningContext,
): void {
  const found = profilesThatWould(hosts, port);
  for (const { name, by } of found)
    print(`${name}, which is not up, would capture it: ${by}\n    -> tshuttle up ${name}\n`);
  if (found.length > 0 || isAnyUp) return;
  print(`no profile would capture it\n    -> capture it: tshuttle -r BASTION ${hosts.at(-1)}\n`);
}

async function addressesOrWhy(
  name: string,
  port: number | undefined,
  { lookUp, print, profilesThatWould }: RunningContext,
): Promise<readonly string[]> {
  try {
    return await lookUp(name);
  } catch (error) {
    print(`${name}: does not resolve here, and is in no zone of a tunnel that is up: ${messageOf(error)}\n`);
    const zone = name.replace(/\.$/, '').split('.').slice(1).join('.');
    // A profile that would have it answered is what helps, and is told next.
    if (zone !== '' && profilesThatWould([name], port).length === 0)
      print(`    -> if only the bastion resolves it, have its zone answered there: --domain ${zone}\n`);
    return [];
  }
}

async function flowsOf({ client, report: { name } }: RunningTunnelHandle): Promise<KnownFlows | undefined> {
  try {
    const open = await client.ask({ type: 'flows', name, limit: MAX_LISTED });
    const ended = await client.ask({ type: 'endings', name, limit: MAX_LISTED });
    return {
      name,
      flows: open.type === 'flows' ? open.flows : [],
      endings: ended.type === 'endings' ? ended.endings : [],
    };
  } catch {
    return undefined;
  }
}
