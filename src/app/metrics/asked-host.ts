import { isIP } from 'node:net';
import { isLoopback } from '../../net/address/literal.ts';
import { canonicalName } from '../../net/address/zone.ts';

/**
 * Whether a request is meant for this server, by its Host field: a web page may give a name of its own the address of this
 * machine (DNS rebinding), and would read what its visitor's browser gets. Such a page has a name, never an address.
 *
 * @param field undefined from clients of HTTP/1.0, which no browser is
 * @param address where the server listens
 * @param machineName what other machines may know this one by
 */
export function isAskedFor(field: string | undefined, address: string, machineName: string): boolean {
  if (field === undefined) return true;
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(field);
  if (match === null) return false;
  const [, address6, host = ''] = match;
  if (address6 !== undefined) return isIP(address6) === 6;
  const name = canonicalName(host);
  if (isIP(name) === 4 || name === 'localhost') return true;
  return !isLoopback(address) && name === machineName.toLowerCase();
}
