import { familyOf, type IpFamily } from '../../../net/address/literal.ts';
import type { OwnedPlan } from '../redirect-plan.ts';

/** The rules in which the chain for this machine's own connections and that for those of others are alike. Pure. */

/** What is known of the machine when the rules are rendered. */
export interface IptablesOptions {
  readonly family: IpFamily;
  /** {@link formatInstance} of the helper. */
  readonly instance: string;
  /** Which rule of OUTPUT is to lead to our chain, counted from 1; `there`: one does, and a second would have to be removed twice. */
  readonly jumpAt: number | 'there';
  /** Whether a rule of PREROUTING leads to our chain already; left out: none does. */
  readonly isIncomingThere?: boolean;
}

/** IPv6 has no broadcast; the kernel refuses the word. */
const UNROUTED_TYPES: Readonly<Record<IpFamily, readonly string[]>> = {
  4: ['LOCAL', 'BROADCAST', 'MULTICAST', 'ANYCAST'],
  6: ['LOCAL', 'MULTICAST', 'ANYCAST'],
};

/** The tracker takes a connection that it has not seen begin for a new one (native-notes/connections-under-way.md). */
export const UNDER_WAY_PASSES = '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j RETURN';

/** The rules for what is exempt. */
export function renderExempt({ exempt }: OwnedPlan, family: IpFamily): string[] {
  const endpoints = exempt
    .filter((endpoint) => endpoint.family === family)
    .map(
      ({ address, port }) => `-d ${address}${family === 4 ? '/32' : '/128'} -p tcp -m tcp --dport ${port}`,
    );
  return [...new Set(endpoints)].map((match) => `${match} -j RETURN`);
}

/** Matches for destinations that never leave the machine or have no one owner. */
export function unrouted(family: IpFamily): string[] {
  return UNROUTED_TYPES[family].map((type) => `-m addrtype --dst-type ${type}`);
}

/** A match for addresses of one link: routers do not carry them. */
export function linkLocal(family: IpFamily): string {
  return family === 4 ? '-d 169.254.0.0/16' : '-d fe80::/10';
}

/** What DNS goes by. */
const PROTOCOLS = ['udp', 'tcp'] as const;

/** As many as one match takes (iptables-extensions(8), multiport). */
export const MULTIPORT_PORTS = 15;

/** In parts of a size. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** Lets pass what the tunnels themselves ask nameservers. */
export function exemptPortsPass(dns: OwnedPlan['dns']): string[] {
  return chunksOf(dns?.exemptPorts ?? [], MULTIPORT_PORTS).flatMap((ports) =>
    PROTOCOLS.map(
      (protocol) =>
        `-p ${protocol} -m ${protocol} --dport 53 -m multiport --sports ${ports.join(',')} -j RETURN`,
    ),
  );
}

/** The redirects of queries to nameservers. */
export function renderDns(dns: OwnedPlan['dns'], family: IpFamily): string[] {
  return (dns?.redirects ?? [])
    .filter(({ nameserver }) => familyOf(nameserver) === family)
    .flatMap(({ nameserver, port }) =>
      PROTOCOLS.map(
        (protocol) =>
          `-d ${nameserver}/${family === 4 ? 32 : 128} -p ${protocol} -m ${protocol} --dport 53 -j REDIRECT --to-ports ${port}`,
      ),
    );
}
