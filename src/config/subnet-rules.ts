import { systemWords } from '../core/systems/system-words.ts';
import { hasZone } from './dns.ts';
import { subnetsOfMaps } from './network-maps.ts';
import type { ReadContext } from './options/read-options.ts';
import { type KeyOfPart, keysOfPart, type OptionValues } from './options/table.ts';
import type { SubnetRule } from './parse/networks/subnet.ts';

/** What is captured and what never is, of the command line and the files it names. */
export function subnetRulesOf(
  values: Pick<OptionValues, KeyOfPart<'subnets' | 'maps'>>,
  { raw, findings, locate }: ReadContext,
  mayCaptureNothing: boolean,
): readonly SubnetRule[] {
  const { subnets, subnetFiles, excludes, excludeFiles } = values;
  // A zone is something to capture, and so are the network of a map, a cloud, and what the bastion has routes to; proxies and forwards need nothing captured.
  const hasOther =
    mayCaptureNothing ||
    hasZone(raw) ||
    raw.autoNets ||
    raw.openstack !== undefined ||
    raw.forwards.length > 0 ||
    raw.maps.length > 0 ||
    keysOfPart('proxies').some((protocol) => raw[protocol].length > 0);
  if (raw.subnets.length === 0 && raw.subnetFiles.length === 0 && !hasOther) {
    findings.wrong(locate('subnets'), `is missing; ${whatInstead()}`);
  }
  const includes = [...subnets, ...subnetFiles];
  if (findings.problems.length === 0 && !hasOther && includes.length === 0)
    findings.badFile(locate('subnetFiles', raw.subnetFiles.join(' -s ')), 'holds no subnet');
  return [...includes, ...subnetsOfMaps(values), ...excludes, ...excludeFiles];
}

function whatInstead(): string {
  return systemWords().redirector === undefined
    ? 'say what to serve instead, as in --socks 1080; only run --rootless has use of one here, as in 10.0.0.0/24'
    : 'say what to capture, as in 10.0.0.0/24, or 0/0 for every IPv4 address';
}
