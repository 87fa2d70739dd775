import { PROXY_PROTOCOLS } from '../../ingress/proxy/protocols.ts';
import type { ProxyListen } from '../../ingress/proxy/proxies.ts';
import type { RedirectOptions } from '../../ingress/redirect.ts';
import type { RedirectIngress } from '../../ingress/redirect-ingress.ts';
import { type CaptureRule, formatCaptureRule } from '../../net/address/capture-rule.ts';
import { formatCidr } from '../../net/address/cidr.ts';
import { formatHostPort } from '../../net/address/endpoint.ts';
import type { NetworkMap } from '../../net/address/network-map.ts';
import { formatTrafficSource } from '../../net/address/traffic-source.ts';
import type { Transport } from '../../ssh/transport.ts';

/** One line for the user: what is captured now, through whom, with what. */
export function readyLine(
  services: readonly string[],
  { description }: Transport,
  { method }: Pick<RedirectIngress, 'method'>,
): string {
  const served = services.filter((service) => service !== '').join(' and ');
  return `${served} through ${description}${method === 'none' ? '' : `, by ${method}`}`;
}

/** Empty where there are none. */
export function describeProxies(listens: readonly ProxyListen[]): string {
  if (listens.length === 0) return '';
  const places = listens.map(
    ({ protocol, address, port }) => `${PROXY_PROTOCOLS[protocol].title} on ${formatHostPort(address, port)}`,
  );
  return `serving ${places.join(', ')}`;
}

/** Empty where nothing is captured. Programs: whose alone; others: whose beside this machine's; namespace: in which one. */
export function describeCaptured(
  rules: readonly CaptureRule[],
  dns: string | undefined,
  {
    programs,
    alsoFrom = [],
    namespace,
  }: Partial<Pick<RedirectOptions, 'programs' | 'alsoFrom' | 'namespace'>> = {},
): string {
  const networks = rules.some(({ action }) => action === 'include') ? [describeRules(rules)] : [];
  const captured = [...networks, ...(dns === undefined ? [] : [dns])];
  if (captured.length === 0) return '';
  const whose = programs === undefined ? '' : `, for ${programs.description} only,`;
  const others = alsoFrom.length === 0 ? '' : `, also from ${alsoFrom.map(formatTrafficSource).join(', ')}`;
  const where = namespace?.kind === 'entered' ? ` in ${namespace.description}` : '';
  return `capturing ${captured.join(' and ')}${where}${whose}${others}`;
}

/** Empty where there are none. */
export function describeMaps(maps: readonly NetworkMap[]): string {
  const each = maps.map(({ local, remote }) => `${formatCidr(local)} to ${formatCidr(remote)}`);
  return each.length === 0 ? '' : `mapping ${each.join(', ')}`;
}

/** How many networks the ready line names. */
const NAMED_NETWORKS = 3;

function describeRules(rules: readonly CaptureRule[]): string {
  // Two names may have one address, and what was written twice is captured once.
  const distinct = (action: CaptureRule['action']): readonly string[] => [
    ...new Set(rules.filter((rule) => rule.action === action).map(formatCaptureRule)),
  ];
  const includes = distinct('include');
  const named = includes.slice(0, NAMED_NETWORKS).join(', ');
  const more = includes.length - NAMED_NETWORKS;
  const excludes = distinct('exclude').length;
  return named + (more > 0 ? ` and ${more} more` : '') + (excludes > 0 ? ` (${excludes} excluded)` : '');
}
