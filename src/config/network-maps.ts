import { isDeepStrictEqual } from 'node:util';
import { rangesOverlap } from '../net/address/cidr.ts';
import { formatNetworkMap, type NetworkMap } from '../net/address/network-map.ts';
import { ALL_PORTS } from '../net/address/port-range.ts';
import type { ReadContext } from './options/read-options.ts';
import type { OptionValues } from './options/table.ts';
import type { SubnetRule } from './parse/networks/subnet.ts';

/** Each flow is compared with all of them. */
const MAX_MAPS = 64;

/** The maps, each once; no address stands for two, nor is any both at once. */
export function networkMapsOf(
  { maps }: Pick<OptionValues, 'maps'>,
  { findings, locate }: Pick<ReadContext, 'findings' | 'locate'>,
): readonly NetworkMap[] {
  const taken: NetworkMap[] = [];
  for (const { where, ...map } of maps) {
    if (taken.some((other) => isDeepStrictEqual(other, map))) continue;
    const clash = taken.find((other) =>
      [other.local, other.remote].some(
        (range) => rangesOverlap(range, map.local) || rangesOverlap(range, map.remote),
      ),
    );
    if (clash === undefined) taken.push(map);
    else findings.wrong(where, `has addresses in common with --map ${formatNetworkMap(clash)}`);
  }
  if (taken.length > MAX_MAPS) findings.wrong(locate('maps'), `is given more than ${MAX_MAPS} times`);
  return taken;
}

/** What is captured for maps: the networks of this side. */
export function subnetsOfMaps({ maps }: Pick<OptionValues, 'maps'>): readonly SubnetRule[] {
  return maps.map(({ local: cidr, where }) => ({
    action: 'include',
    subnet: { kind: 'network', cidr, ports: ALL_PORTS },
    where,
  }));
}
