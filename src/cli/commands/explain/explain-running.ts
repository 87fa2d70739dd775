import { isIP } from 'node:net';
import { problemsOf, stateWord, type TunnelProblem } from '../../../app/running-tunnels/health.ts';
import type { RunningTunnelHandle } from '../../../app/running-tunnels/running-tunnels.ts';
import { describeUnresolved, type LookUp } from '../../../config/resolve-subnets.ts';
import { exampleArguments, systemWords } from '../../../core/systems/system-words.ts';
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

/** The same for programs. */
export interface RunningAnswer {
  /** The tunnels that capture it, the one that gets it last. */
  readonly capturedBy: readonly string[];
  /** The profiles that are not up and would, where no tunnel does. */
  readonly wouldCapture: readonly string[];
  /** What keeps those that capture it from carrying it. */
  readonly problems: ReadonlyArray<{
    readonly tunnel: string;
    readonly what: string;
    readonly remedy: string | null;
  }>;
}

/**
 * Prints which of the tunnels that run captures a destination, by which rule or zone, and why that one; what is wrong with it,
 * and how the last connections there have ended. Where none does, which profile would.
 *
 * @param port undefined for all
 * @param tunnels in the order in which they were started
 */
export async function explainByRunning(
  host: string,
  port: number | undefined,
  tunnels: readonly RunningTunnelHandle[],
  context: RunningContext,
): Promise<RunningAnswer> {
  const { print } = context;
  const reports = tunnels.map(({ report }) => report);
  const capturing = new Set<string>();
  let addresses: readonly string[] = [host];
  let isNever = false;
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
    if (never !== undefined) {
      isNever = true;
      print(`${never}\n`);
    } else if (reports.length > 0) {
      const { lines, capturedBy } = explainAddressByTunnels(destination, reports);
      for (const line of [...lines, ...explainMapsOfTunnels(address, reports)]) print(`${line}\n`);
      for (const name of capturedBy) capturing.add(name);
    }
  }
  const hosts = [...new Set([host, ...addresses])];
  const wouldCapture = capturing.size === 0 && !isNever ? tellOfProfiles(hosts, port, context) : [];
  const problems = reports
    .filter(({ name }) => capturing.has(name))
    .flatMap((report) => problemsNow(report).map((one) => ({ ...one, report })));
  for (const { report, what, remedy } of problems) {
    print(`${report.name}: ${stateWord(report.status)}: ${what}\n`);
    if (remedy !== null) print(`    -> ${remedy}\n`);
  }
  await tellWhatHappened(hosts, port, tunnels, capturing, print);
  return {
    capturedBy: [...capturing],
    wouldCapture,
    problems: problems.map(({ report, what, remedy }) => ({ tunnel: report.name, what, remedy })),
  };
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
function problemsNow(report: RunningTunnelHandle['report']): readonly TunnelProblem[] {
  return problemsOf(report, Date.now()).filter(({ level }) => level === 'problem');
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

/** What could be started, or typed. @returns the names of the profiles */
function tellOfProfiles(
  hosts: readonly string[],
  port: number | undefined,
  { print, profilesThatWould }: RunningContext,
): readonly string[] {
  const found = profilesThatWould(hosts, port);
  for (const { name, by } of found)
    print(`${name}, which is not up, would capture it: ${by}\n    -> tshuttle up ${name}\n`);
  // A name that does not resolve has been told what helps.
  if (found.length === 0 && hosts.some((host) => isIP(host) !== 0))
    print(`no profile would capture it\n    -> ${howToReach(hosts.at(-1)!)}\n`);
  return found.map(({ name }) => name);
}

function howToReach(address: string): string {
  return systemWords().redirector === undefined
    ? `reach it by a proxy: tshuttle ${exampleArguments()}`
    : `capture it: tshuttle -r BASTION ${address}`;
}

async function addressesOrWhy(
  name: string,
  port: number | undefined,
  { lookUp, print, profilesThatWould }: RunningContext,
): Promise<readonly string[]> {
  try {
    return await lookUp(name);
  } catch (error) {
    print(`${name}: ${describeUnresolved(error)}, and is in no zone of a tunnel that is up\n`);
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
