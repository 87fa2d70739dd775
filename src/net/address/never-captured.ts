import { type AddressRange, type Cidr, cidrOf, isWithin } from './cidr.ts';

/** A network whose connections no redirect rule of ours takes, wherever it is asked for. */
interface NeverCaptured {
  readonly cidr: Cidr;
  /** For people, after the address: `link-local`. */
  readonly what: string;
}

/**
 * What the rules leave alone on every machine (`fib daddr type`, link-local), or the kernel refuses to connect TCP to. The rest
 * of 0.0.0.0/8 and 240.0.0.0/4 is captured like any other network, where it has a route (native-notes/route-lookup.md).
 */
export const NEVER_CAPTURED: readonly NeverCaptured[] = (
  [
    ['127.0.0.0', 8, 'this machine itself'],
    ['0.0.0.0', 32, 'this machine itself'],
    ['::1', 128, 'this machine itself'],
    ['::', 128, 'this machine itself'],
    ['169.254.0.0', 16, 'link-local'],
    ['fe80::', 10, 'link-local'],
    ['224.0.0.0', 4, 'multicast'],
    ['ff00::', 8, 'multicast'],
    ['255.255.255.255', 32, 'broadcast'],
  ] as const
).map(([address, prefixLength, what]) => ({ cidr: cidrOf(address, prefixLength), what }));

/** What a range of addresses is that is never captured, all of it; undefined where some of it may be. */
export function neverCapturedAs(range: AddressRange): string | undefined {
  return NEVER_CAPTURED.find(({ cidr }) => isWithin(range, cidr))?.what;
}
