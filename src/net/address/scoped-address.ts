import { isIPv6 } from 'node:net';

/** What may stand behind the `%`: an interface's name as Linux allows it, less what a shell or ssh(1) would not take. */
const SCOPE = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,14}$/;

/** Splits `fe80::1%eth0`, an IPv6 address that means something behind one interface only (RFC 4007 section 11). */
function splitScope(text: string): { readonly address: string; readonly scope: string } | undefined {
  const [, address = '', scope = ''] = /^([^%]+)%(.+)$/.exec(text) ?? [];
  return isIPv6(address) && SCOPE.test(scope) ? { address, scope } : undefined;
}

/** Whether a text is an IPv6 address, with a scope or without. */
export function isScopedIpv6(text: string): boolean {
  return isIPv6(text) || splitScope(text) !== undefined;
}

/** Whether it has a scope that Node cannot dial: `_` and some others in the name of an interface. */
export function hasUndialableScope(text: string): boolean {
  return !isIPv6(text) && splitScope(text) !== undefined;
}

/** A literal address without its scope, which has no place in rules: a link-local destination is never captured. */
export function withoutScope(address: string): string {
  return splitScope(address)?.address ?? address;
}
