import { formatCidr, rangesOverlap } from '../../../net/address/cidr.ts';
import type { NetworkMap } from '../../../net/address/network-map.ts';
import { neverCapturedAs } from '../../../net/address/never-captured.ts';
import { parseCidr } from '../../../net/address/parse-cidr.ts';
import { Invalid } from '../invalid.ts';

/** A map, and where it was asked for. */
export interface PlacedMap extends NetworkMap {
  /** For people. */
  readonly where: string;
}

/** Parses `10.1.0.0/16=10.201.0.0/16`: the network behind the bastion, and the one that stands for it here. */
export function parseNetworkMap(text: string): NetworkMap | Invalid {
  const [remote, local, ...others] = text.split('=').map(parseCidr);
  if (remote === undefined || local === undefined || others.length > 0)
    return new Invalid(
      'is not NETWORK=NETWORK, as in 10.1.0.0/16=10.201.0.0/16: the one behind the bastion first',
    );
  if (remote.family !== local.family || remote.prefixLength !== local.prefixLength)
    return new Invalid('has networks of two sizes; both need the same prefix length, and family');
  if (rangesOverlap(remote, local)) return new Invalid('has networks with addresses in common');
  const never = neverCapturedAs(local);
  return never === undefined
    ? { remote, local }
    : new Invalid(`has ${formatCidr(local)} on this side, which is never captured: it is ${never}`);
}
