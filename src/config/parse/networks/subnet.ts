import { isIPv4, isIPv6 } from 'node:net';
import type { Cidr } from '../../../net/address/cidr.ts';
import { parseCidr } from '../../../net/address/parse-cidr.ts';
import { ALL_PORTS, type PortRange } from '../../../net/address/port-range.ts';
import { Invalid } from '../invalid.ts';
import { parsePorts } from '../port.ts';
import {
  diagnoseIPv4,
  diagnoseIPv6,
  diagnoseNamePrefix,
  diagnoseNotation,
  isHostName,
} from './subnet-diagnosis.ts';

/** One SUBNET as the user wrote it: a network or a name, and the ports. */
export type Subnet =
  | { readonly kind: 'network'; readonly cidr: Cidr; readonly ports: PortRange }
  | {
      readonly kind: 'name';
      readonly name: string;
      /** Of the network around each of its IPv4 addresses; 32 without a prefix. */
      readonly prefixLength: number;
      readonly ports: PortRange;
    };

/** A subnet to capture, or never to capture, and where the user wrote it. */
export interface SubnetRule {
  readonly action: 'include' | 'exclude';
  readonly subnet: Subnet;
  readonly where: string;
}

/**
 * Parses `10.0.0.0/24`, `10.1.2.3`, `0/0`, `10.0.0.0/8:443`, `10.0.0.0/8:8000-9000`, `2001:db8::/32`,
 * `[2001:db8::/32]:443`, `host.example.com`, `host.example.com:8000-9000`, `host.example.com/24`.
 */
export function parseSubnet(text: string): Subnet | Invalid {
  if (text === '') return new Invalid('is empty; write a network, an address or a name');
  if (text.includes('://'))
    return new Invalid('is a URL; write only its host and port, as in example.com:443');
  if (/\s/.test(text)) return new Invalid('has a blank in it; give one subnet at a time');
  if (text.includes(',')) return new Invalid('has a comma in it; separate subnets with blanks');
  if (text.startsWith('[')) return parseBracketed(text);
  if (text.split(':').length > 2) return parseBareIPv6(text);
  return parseIPv4OrName(text);
}

function parseBracketed(text: string): Subnet | Invalid {
  const match = /^\[([^\]]*)\](.*)$/.exec(text);
  if (match === null) return new Invalid('has no closing bracket; write it as in [2001:db8::/32]:443');
  const [, inside = '', after = ''] = match;
  if (after.startsWith('/'))
    return new Invalid('has its prefix length outside the brackets; write [2001:db8::/32]:443');
  if (after !== '' && !after.startsWith(':'))
    return new Invalid('has something other than :PORT after the bracket');
  const cidr = parseCidr(inside);
  if (cidr === undefined) return new Invalid(diagnoseIPv6(inside));
  if (!inside.includes(':'))
    return new Invalid(`has brackets, which are for IPv6 only; write ${inside}${after}`);
  return withPorts(after === '' ? undefined : after.slice(1), (ports) => ({ kind: 'network', cidr, ports }));
}

function parseBareIPv6(text: string): Subnet | Invalid {
  const cidr = parseCidr(text);
  if (cidr !== undefined) return { kind: 'network', cidr, ports: ALL_PORTS };
  const portAfterPrefix = /^([^/]+\/\d+):([\d-]+)$/.exec(text);
  if (portAfterPrefix !== null && parseCidr(portAfterPrefix[1]!) !== undefined) {
    return new Invalid(
      `needs brackets around the IPv6 network; write [${portAfterPrefix[1]}]:${portAfterPrefix[2]}`,
    );
  }
  return new Invalid(diagnoseIPv6(text));
}

function parseIPv4OrName(text: string): Subnet | Invalid {
  const colon = text.indexOf(':');
  const address = colon < 0 ? text : text.slice(0, colon);
  const portText = colon < 0 ? undefined : text.slice(colon + 1);
  if (address === '')
    return new Invalid(`has no address before the colon; for every address write 0/0${text}`);
  const misplaced = /^([\d-]+)(\/\d+)$/.exec(portText ?? '');
  if (misplaced !== null) {
    return new Invalid(
      `has its prefix length after the port; write ${address}${misplaced[2]}:${misplaced[1]}`,
    );
  }
  const cidr = parseCidr(address);
  if (cidr !== undefined) return withPorts(portText, (ports) => ({ kind: 'network', cidr, ports }));
  const notation = diagnoseNotation(address);
  if (notation !== undefined) return new Invalid(notation);
  if (/^[\d.]+(\/.*)?$/.test(address)) return new Invalid(diagnoseIPv4(address));
  if (address.startsWith('*')) return new Invalid('is a pattern; only whole names can be captured');
  const [name = '', prefix, ...rest] = address.split('/');
  if (address.includes('@'))
    return new Invalid('is neither a network nor a name; for a bastion put -r before it');
  if (!isHostName(name) || rest.length > 0) return new Invalid('is neither a network nor a name');
  const prefixLength = prefix === undefined ? 32 : Number(/^\d{1,2}$/.exec(prefix)?.[0]);
  if (!(prefixLength <= 32)) return new Invalid(diagnoseNamePrefix(name, prefix ?? ''));
  return withPorts(portText, (ports) => ({ kind: 'name', name, prefixLength, ports }));
}

function withPorts(text: string | undefined, make: (ports: PortRange) => Subnet): Subnet | Invalid {
  if (text === undefined) return make(ALL_PORTS);
  const ports = parsePorts(text);
  return ports instanceof Invalid ? ports : make(ports);
}

/**
 * What a resolver's answer is as a rule, if it is an address that can be one.
 *
 * @param prefixLength of the network around an IPv4 address
 */
export function cidrOfAddress(address: string, prefixLength = 32): Cidr | undefined {
  if (isIPv4(address)) return parseCidr(`${address}/${prefixLength}`);
  return isIPv6(address) && !address.includes('%') ? parseCidr(address) : undefined;
}
