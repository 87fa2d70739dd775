import { PF_DEFAULTS, type PfOptions } from '../../../../../src/intercept/rules/pf/pf.ts';
import { type PlanRequest, planRedirects } from '../../../../../src/intercept/rules/plan.ts';
import type { OwnedPlan, RedirectPlan } from '../../../../../src/intercept/rules/redirect-plan.ts';
import type { CaptureRule } from '../../../../../src/net/address/capture-rule.ts';
import { makeCidr } from '../../../../../src/net/address/cidr.ts';
import { DNS_PORT, type Endpoint } from '../../../../../src/net/address/endpoint.ts';
import {
  addressBits,
  addressToNumber,
  familyOf,
  type IpFamily,
  numberToAddress,
} from '../../../../../src/net/address/literal.ts';
import { neverCapturedAs } from '../../../../../src/net/address/never-captured.ts';
import type { Attempt, PfNetwork } from '../../../../support/pf/evaluator.ts';
import { referenceVerdict } from '../reference-verdict.ts';

export type Random = (below: number) => number;

/** Where the random connections start: the last interface is as a VPN's. */
export const NETWORK: PfNetwork = {
  interfaces: [
    { name: 'lo0', addresses: ['fd74:7368:7574:746c:6500::1'], networks: [] },
    {
      name: 'en0',
      addresses: ['192.168.1.5', '10.0.0.5', '2001:db8:0:5::5'],
      networks: ['0.0.0.0/0', '::/0'],
    },
    { name: 'utun3', addresses: ['10.2.0.2'], networks: ['10.2.0.0/16'], isPointToPoint: true },
  ],
};

const OWN = new Set(['127.0.0.1', '::1', ...NETWORK.interfaces.flatMap(({ addresses }) => addresses)]);

/** Whether it is an address of {@link NETWORK}. */
export function isOwn(address: string): boolean {
  return OWN.has(address) || address.startsWith('127.');
}

/** A plan with the words that it was made of. */
export interface RandomPlan {
  readonly request: PlanRequest;
  readonly plan: OwnedPlan;
}

/** Rules, nameservers and endpoints crowd in a few networks and ports, so that most of them meet. */
export function randomPlan(random: Random, listenerPort: number): RandomPlan {
  const dns: RedirectPlan['dns'] = {
    redirects: Array.from({ length: random(4) }, (_, index) => ({
      nameserver:
        random(4) === 0 ? ['127.0.0.1', '::1', '192.168.1.5', '10.0.0.5'][random(4)]! : randomAddress(random),
      port: listenerPort + 1 + random(2) * index,
    })).filter(
      ({ nameserver }, index, all) => all.findIndex((one) => one.nameserver === nameserver) === index,
    ),
    exemptPorts: Array.from({ length: random(3) }, () => sourcePort(random)),
  };
  const request: PlanRequest = {
    rules: Array.from({ length: 1 + random(10) }, () => randomRule(random)),
    listenerPort,
    families: [[4, 6], [4, 6], [4], [6]][random(4)] as readonly IpFamily[],
    exempt: Array.from({ length: random(4) }, () => randomEndpoint(random)),
    dns: random(3) === 0 ? undefined : dns,
    udp: random(4) === 0 ? 'direct' : 'reject',
  };
  const udpInUse = random(2) === 0 ? [] : [UDP_IN_USE];
  return { request, plan: { ...planRedirects(request), userId: 501, udpInUse } };
}

/** Of the source ports there are, the first is of a server. */
const EPHEMERAL_FROM = 40_002;
const UDP_IN_USE = 40_003;

/** What is known of {@link NETWORK}. */
export const OPTIONS: PfOptions = {
  ...PF_DEFAULTS,
  isOwn,
  ephemeralFrom: EPHEMERAL_FROM,
  neverRefused: [...OWN],
};

function randomRule(random: Random): CaptureRule {
  const address = randomAddress(random);
  const family = familyOf(address);
  const prefixLength = random(12) === 0 ? 0 : addressBits(family) - random(24);
  const ports = random(2) === 0 ? { first: 1, last: 65_535 } : randomPorts(random);
  return {
    action: random(3) === 0 ? 'exclude' : 'include',
    cidr: makeCidr(family, addressToNumber(family, address), prefixLength),
    ports,
  };
}

function randomPorts(random: Random): CaptureRule['ports'] {
  const first = [1, 22, 50, 53, 54, 443, 65_530][random(7)]!;
  return { first, last: Math.min(65_535, first + [0, 0, 3, 10, 500][random(5)]!) };
}

function randomAddress(random: Random): string {
  if (random(3) === 0) {
    return numberToAddress(
      6,
      addressToNumber(6, '2001:db8::') + (BigInt(random(3)) << 64n) + BigInt(random(6)),
    );
  }
  const base = [
    '10.0.0.0',
    '10.2.0.0',
    '169.254.0.0',
    '192.168.1.0',
    '127.0.0.0',
    '0.0.0.0',
    '255.255.255.248',
  ][Math.max(0, random(10) - 3)]!;
  return numberToAddress(4, addressToNumber(4, base) + BigInt(random(8)));
}

function randomEndpoint(random: Random): Endpoint {
  const address = randomAddress(random);
  return { family: familyOf(address), address, port: [22, 53, 443][random(3)]! };
}

function sourcePort(random: Random): number {
  return 40_001 + random(3);
}

/** A connection that is likely to be at an edge of what some of the plans say. */
export function randomAttempt(random: Random, { rules, exempt, dns }: PlanRequest): Attempt {
  const rule = rules[random(rules.length)]!;
  const { family, first, last } = rule.cidr;
  const top = (1n << BigInt(addressBits(family))) - 1n;
  const near = (random(2) === 0 ? first : last) + BigInt(random(3) - 1);
  const edge = numberToAddress(family, near < 0n ? 0n : near > top ? top : near);
  const endpoint = exempt[random(exempt.length)]?.address;
  const nameserver = dns?.redirects[random(dns.redirects.length)]?.nameserver;
  const own = ['127.0.0.1', '10.0.0.5', '2001:db8:0:5::5', '10.2.0.2'][random(4)];
  const destination =
    [edge, edge, randomAddress(random), endpoint, nameserver, nameserver, own][random(7)] ?? edge;
  const port = [
    rule.ports.first + random(3) - 1,
    rule.ports.last + random(3) - 1,
    1 + random(60),
    DNS_PORT,
    DNS_PORT,
    [22, 443, 123, 500, 51_820][random(5)]!,
  ][random(6)]!;
  return {
    protocol: random(3) === 0 ? 'udp' : 'tcp',
    sourcePort: sourcePort(random),
    destination,
    port: Math.min(65_535, Math.max(1, port)),
  };
}

/**
 * Where the rules of nft, in their order, bring a connection: the port of ours; undefined where they leave it alone. But for the
 * families that have no listener this is what a user reads in the plan.
 */
export function referencePort(
  { rules, families, exempt, dns, listenerPort }: PlanRequest,
  attempt: Attempt,
): number | undefined {
  const { protocol, destination, port, sourcePort: from } = attempt;
  const family = familyOf(destination);
  const value = addressToNumber(family, destination);
  if (!families.includes(family)) return undefined;
  if (protocol === 'tcp' && exempt.some((one) => one.port === port && one.address === destination))
    return undefined;
  if (dns !== undefined && port === DNS_PORT) {
    if (dns.exemptPorts.includes(from)) return undefined;
    const redirect = dns.redirects.find(({ nameserver }) => nameserver === destination);
    if (redirect !== undefined) return redirect.port;
  }
  if (protocol !== 'tcp' || isOwn(destination)) return undefined;
  if (neverCapturedAs({ family, first: value, last: value }) !== undefined) return undefined;
  return referenceVerdict(rules, family, value, port) === 'capture' ? listenerPort : undefined;
}

/** Whether it is UDP that is refused: to what is captured by TCP, and nothing that a machine's network needs (refused-udp.ts). */
export function isRefused({ request, plan }: RandomPlan, attempt: Attempt): boolean {
  const { protocol, destination, port, sourcePort: from } = attempt;
  if (protocol !== 'udp' || request.udp !== 'reject' || from < EPHEMERAL_FROM) return false;
  if (plan.udpInUse?.includes(from) || [53, 67, 68, 123, 500, 51_820].includes(port)) return false;
  const withoutEndpoints = { ...request, exempt: [], dns: undefined };
  if (request.exempt.some(({ address }) => address === destination)) return false;
  return referencePort(withoutEndpoints, { ...attempt, protocol: 'tcp' }) !== undefined;
}
