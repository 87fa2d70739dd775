import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Cidr, cidrOf } from '../address/cidr.ts';
import { parseCidr } from '../address/parse-cidr.ts';

/** A network and the interface that it is reached by. */
export interface InterfaceNetwork {
  readonly cidr: Cidr;
  readonly interfaceName: string;
}

/** The networks that this machine is in, without loopback and link-local ones, and without those of VPNs. */
export function localNetworks(): readonly InterfaceNetwork[] {
  return Object.entries(networkInterfaces()).flatMap(([interfaceName, addresses = []]) =>
    isVpn(interfaceName)
      ? []
      : addresses.flatMap(({ cidr: text, internal, address }) => {
          if (text === null || internal || isLinkLocal(address)) return [];
          return [{ cidr: cidrOf(address, Number(text.split('/')[1])), interfaceName }];
        }),
  );
}

function isLinkLocal(address: string): boolean {
  return /^(?:fe[89ab][0-9a-f]:|169\.254\.)/i.test(address);
}

/** linux/if_arp.h: PPP, and what has no link layer, as tun devices and WireGuard. */
const VPN_TYPES = ['512', '65534'];

/** Ours are for addresses that stand for names. */
const OUR_INTERFACES = /^tshuttle\d+$/;

function isVpn(interfaceName: string): boolean {
  if (OUR_INTERFACES.test(interfaceName)) return false;
  try {
    return VPN_TYPES.includes(readFileSync(`/sys/class/net/${interfaceName}/type`, 'utf8').trim());
  } catch {
    return false; // it has just gone, or this is no Linux
  }
}

const IP_TIMEOUT_MS = 2_000;
const IP_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * The routes of VPNs on this machine, in every table (Tailscale and wg-quick have tables of their own), but no default
 * routes. Empty where ip(8) is not there.
 */
export async function vpnRoutes(): Promise<readonly InterfaceNetwork[]> {
  const listings = await Promise.all([routes('-4'), routes('-6')]);
  return listings.flat().filter(({ interfaceName }) => isVpn(interfaceName));
}

function routes(family: '-4' | '-6'): Promise<readonly InterfaceNetwork[]> {
  return new Promise((resolve) => {
    const options = { timeout: IP_TIMEOUT_MS, maxBuffer: IP_OUTPUT_BYTES };
    const child = execFile(
      'ip',
      [family, '-json', 'route', 'show', 'table', 'all'],
      options,
      (error, stdout) => resolve(error === null ? parseRoutes(stdout) : []),
    );
    child.on('error', () => {});
  });
}

/** What `ip -json route show` prints: `dst` is `10.8.0.0/24`, `10.8.0.1` or `default`. */
export function parseRoutes(json: string): readonly InterfaceNetwork[] {
  let listed: unknown;
  try {
    listed = JSON.parse(json);
  } catch {
    return [];
  }
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((route: unknown) => {
    const { dst, dev, type } = route as Readonly<Record<string, unknown>>;
    if (typeof dst !== 'string' || typeof dev !== 'string') return [];
    // local, broadcast, multicast: addresses of this machine, and what is never captured.
    if (type !== undefined && type !== 'unicast') return [];
    const cidr = parseCidr(dst);
    return cidr === undefined || isLinkLocal(dst) || dst.startsWith('ff')
      ? []
      : [{ cidr, interfaceName: dev }];
  });
}
