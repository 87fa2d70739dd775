import { cidrOf, isWithin, rangeOfAddress } from './cidr.ts';
import { familyOf } from './literal.ts';

/** A network as plain data, which JSON can say: its first address and the length of its prefix. */
export interface PlainNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

/** Connections that are not this machine's own, by the interface that they come in by or the network that they come from. */
export type TrafficSource =
  /** `docker0`, or `br-*` for all that begin with `br-`, also such as appear later. */
  { readonly kind: 'interface'; readonly name: string } | ({ readonly kind: 'network' } & PlainNetwork);

/** Most sources of a tunnel: each is a rule that every packet of others that begins a connection is compared with. */
export const MAX_SOURCES = 64;

/**
 * What an interface may be called here. The kernel takes every character but `/` and blanks, in 15 bytes (dev_valid_name); those that
 * nft(8) or iptables(8) may read as something else are not among these.
 */
const INTERFACE_NAME = /^\w[\w.-]{0,14}$/;
const INTERFACE_PATTERN = /^\w[\w.-]{0,13}\*$/;

/** Whether a text names an interface that others' connections can come in by, or several with a `*` at its end. */
export function isInterfacePattern(text: string): boolean {
  // What this machine sends to itself is its own.
  return text !== 'lo' && (INTERFACE_NAME.test(text) || INTERFACE_PATTERN.test(text));
}

/** Whether a source is given by an interface of this name. */
export function comesInBy(source: TrafficSource, interfaceName: string): boolean {
  if (source.kind !== 'interface') return false;
  const { name } = source;
  return name.endsWith('*') ? interfaceName.startsWith(name.slice(0, -1)) : interfaceName === name;
}

/** Whether a canonical literal address is in the network of a source. */
export function comesFrom(source: TrafficSource, address: string): boolean {
  if (source.kind !== 'network') return false;
  return isWithin(rangeOfAddress(familyOf(address), address), cidrOf(source.address, source.prefixLength));
}

/** As the user has written it, but for the bits beyond the prefix. */
export function formatTrafficSource(source: TrafficSource): string {
  return source.kind === 'interface' ? source.name : `${source.address}/${source.prefixLength}`;
}
