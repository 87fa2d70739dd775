import { rulesOfReport } from '../../../app/keep-up/same-tunnel.ts';
import { mayCompete, type Whose } from '../../../app/keep-up/whose-connections.ts';
import type { Config } from '../../../config/config.ts';
import type { ReportedNames, TunnelReport } from '../../../daemon/control/protocol.ts';
import { decidingRule, formatCaptureRule } from '../../../net/address/capture-rule.ts';
import { type Cidr, isWithin, rangeOfAddress } from '../../../net/address/cidr.ts';
import { formatHostPort, makeEndpoint } from '../../../net/address/endpoint.ts';
import { parseHostPort } from '../../../net/address/host-port.ts';
import type { NetworkMap } from '../../../net/address/network-map.ts';
import { parseCidr } from '../../../net/address/parse-cidr.ts';
import { parseZone } from '../../../net/address/zone.ts';
import { type Destination, explainMaps, explainName } from './explanation.ts';

/** A tunnel that runs, as far as it decides over connections. */
export type Deciding = Pick<
  TunnelReport,
  'name' | 'rules' | 'ruleCount' | 'programs' | 'namespace' | 'names'
>;

/** What running tunnels do with a destination. */
export interface RunningExplanation {
  readonly lines: readonly string[];
  /** Names of the tunnels that capture it, the one that gets it last. */
  readonly capturedBy: readonly string[];
}

const LAST_WINS = 'since it was started last';

/**
 * Says of an address which tunnel captures it, by which rule, and which one gets it of several.
 *
 * @param tunnels in the order in which they were started
 */
export function explainAddressByTunnels(
  destination: Destination,
  tunnels: readonly Deciding[],
): RunningExplanation {
  const { address, port } = destination;
  const where = port === undefined ? address : formatHostPort(address, port);
  const decisions = tunnels.map((tunnel) => ({ tunnel, ...decide(destination, tunnel) }));
  const captures = decisions.filter(({ isCaptured }) => isCaptured);
  const last = captures.at(-1);
  if (last === undefined) {
    const without = decisions.flatMap(({ hasNoSubnet, tunnel }) => (hasNoSubnet ? [tunnel.name] : []));
    const reasons = [
      ...decisions.flatMap(({ hasNoSubnet, reason }) => (hasNoSubnet ? [] : [reason])),
      ...(without.length === 0 ? [] : [`no subnet of ${eitherOf(without)} has it`]),
    ];
    return { lines: [`${where}: no tunnel captures it: ${reasons.join('; ')}`], capturedBy: [] };
  }
  return {
    lines: winners(captures).map(({ winner, others }) => {
      const line = `${where}: ${winner.reason}`;
      return others.length === 0 ? line : `${line}; ${winning(winner, others)}`;
    }),
    capturedBy: captures.map(({ tunnel }) => tunnel.name),
  };
}

/** Each tunnel that no later one takes the connections of, with those that it takes them of itself; the last comes first. */
function winners<T extends { readonly tunnel: Deciding }>(
  captures: readonly T[],
): ReadonlyArray<{ readonly winner: T; readonly others: readonly T[] }> {
  const found: Array<{ readonly winner: T; readonly others: T[] }> = [];
  for (const capture of captures.toReversed()) {
    const competitor = found.find(({ winner }) => mayCompete(winner.tunnel, capture.tunnel));
    if (competitor === undefined) found.push({ winner: capture, others: [] });
    else competitor.others.unshift(capture);
  }
  return found;
}

interface Decision {
  readonly isCaptured: boolean;
  /** Nothing of the tunnel is about it. */
  readonly hasNoSubnet: boolean;
  /** What decides, in half a sentence. */
  readonly by: string;
  /** The same with the tunnel's name. */
  readonly reason: string;
}

function decide(destination: Destination, { name, rules, ruleCount, names, ...tunnel }: Deciding): Decision {
  const whose = describeWhose(tunnel);
  const captured = (by: string): Decision => ({
    isCaptured: true,
    hasNoSubnet: false,
    by,
    reason: `${name} captures it${whose}: ${by}`,
  });
  const passed = (by: string): Decision => ({ isCaptured: false, hasNoSubnet: false, by, reason: by });
  const range = rangeOfNames(destination, names);
  if (range !== undefined) return captured(`an address of ${range} may stand for a name`);
  const rule = decidingRule(rulesOfReport({ rules }), destination, destination.port);
  if (rule?.action === 'include') return captured(formatCaptureRule(rule));
  if (rule !== undefined) return passed(`${name} excludes it by -x ${formatCaptureRule(rule)}`);
  return ruleCount > rules.length
    ? passed(`none of the first ${rules.length} of the ${ruleCount} subnets of ${name} has it`)
    : { ...passed(`no subnet of ${name} has it`), hasNoSubnet: true };
}

/** `office`, `office or lab`, `office, lab or bank`. */
function eitherOf(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function describeWhose({ programs, namespace }: Whose): string {
  const where = namespace == null ? '' : `, in ${namespace} only`;
  return `${programs === null ? '' : `, of ${programs} only`}${where}`;
}

function winning(
  last: { readonly tunnel: Deciding; readonly by: string },
  others: ReadonlyArray<{ readonly tunnel: Deciding; readonly by: string }>,
): string {
  const named = others.map(({ tunnel, by }) => `${tunnel.name} (${by})`).join(' and ');
  const count = COUNTS[others.length + 1] ?? String(others.length + 1);
  return `${count} tunnels could, also ${named}: ${last.tunnel.name} wins, ${LAST_WINS}`;
}

const COUNTS: Readonly<Record<number, string>> = { 2: 'two', 3: 'three' };

function rangeOfNames({ family, address }: Destination, names: ReportedNames | null | undefined) {
  if (names == null || names.zones.length === 0) return undefined;
  return names.syntheticRanges.find((text) => {
    const range = parseCidr(text);
    return range !== undefined && isWithin(rangeOfAddress(family, address), range);
  });
}

/**
 * Says of a name which tunnel answers for it; `by: addresses` where its addresses decide: those of this machine's resolver, or
 * those that `--host` has given it.
 */
export function explainNameByTunnels(
  name: string,
  tunnels: readonly Deciding[],
): RunningExplanation & { readonly by: 'addresses' | 'name'; readonly addresses?: readonly string[] } {
  const answers = tunnels.flatMap((tunnel) => {
    const dns = dnsOf(tunnel.names);
    if (dns === undefined) return [];
    const answer = explainName(name, dns, []);
    const isOwn = answer.by === 'name' || answer.addresses !== undefined;
    return isOwn ? [{ tunnel, by: answer.line.slice(`${name}: `.length), answer }] : [];
  });
  const last = answers.at(-1);
  if (last === undefined) return { lines: [], capturedBy: [], by: 'addresses' };
  const { by, addresses } = last.answer;
  return {
    lines: winners(answers).map(({ winner, others }) => {
      const line = `${name}: ${winner.tunnel.name} answers for it${describeWhose(winner.tunnel)}: ${winner.by}`;
      return others.length === 0 ? line : `${line}; ${winning(winner, others)}`;
    }),
    capturedBy: answers.map(({ tunnel }) => tunnel.name),
    by,
    ...(addresses === undefined ? {} : { addresses }),
  };
}

/** The options of DNS that a report tells of; what it does not tell decides over no name. */
function dnsOf(names: ReportedNames | null | undefined): Config['dns'] {
  if (names == null) return undefined;
  const [range4, range6] = names.syntheticRanges.map((text) => parseCidr(text));
  if (range4 === undefined || range6 === undefined) return undefined;
  return {
    nameservers: 'system',
    resolvers: names.resolvers.flatMap((text) => {
      const { host = '', port = 0 } = parseHostPort(text) ?? {};
      return makeEndpoint(host, port) ?? [];
    }),
    everything: names.everything,
    zones: names.zones.flatMap((text) => parseZone(text) ?? []),
    resolve: names.resolve,
    syntheticRanges: { range4, range6 } satisfies Record<string, Cidr>,
    hosts: names.hosts.map((text) => {
      const [host = '', address = ''] = text.split('=');
      return { name: host, address };
    }),
    bastionHosts: false,
  };
}

/** Says for each tunnel that has a network stand for another one where the address leads, or by which one it is reached. */
export function explainMapsOfTunnels(
  address: string,
  tunnels: ReadonlyArray<Pick<TunnelReport, 'name' | 'maps'>>,
): readonly string[] {
  return tunnels.flatMap(({ name, maps = [] }) =>
    explainMaps(address, maps.flatMap(parseReportedMap)).map((line) => `${line} of ${name}`),
  );
}

function parseReportedMap(text: string): readonly NetworkMap[] {
  const [remote, local] = text.split('=').map((part) => parseCidr(part));
  return remote === undefined || local === undefined ? [] : [{ remote, local }];
}
