import { isIP } from 'node:net';
import { type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import type { LookUpHost } from '../../ssh/look-up.ts';
import type { SshTarget } from '../../ssh/ssh-target.ts';

/** Where a bastion will be dialled, as far as that can be known before: not where a ProxyCommand leads. Never rejects. */
export async function dialEndpoints(target: SshTarget, lookUp: LookUpHost): Promise<readonly Endpoint[]> {
  const { proxy, host, port, addressFamily } = target;
  if (proxy.kind === 'jump') return await dialEndpoints(proxy.jumpHost, lookUp);
  if (proxy.kind !== 'none') return [];
  const family = addressFamily === 'any' ? 0 : addressFamily;
  const addresses = isIP(host) === 0 ? await lookUp(host, family).catch(() => []) : [host];
  return addresses.flatMap((address) => makeEndpoint(address, port) ?? []);
}
