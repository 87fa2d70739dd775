import type { Config } from '../../../config/config.ts';
import { rulesOf } from '../../../config/resolve-subnets.ts';
import { decidingRule, formatCaptureRule } from '../../../net/address/capture-rule.ts';
import { canonicalAddress, familyOf } from '../../../net/address/literal.ts';
import { canonicalName, formatZone, zoneOf } from '../../../net/address/zone.ts';

/** A profile that is not up, and what of it would capture a destination. */
export interface CapturingProfile {
  readonly name: string;
  readonly by: string;
}

/**
 * The profiles that would capture one of these hosts: by a network, a zone, or the name as it is written. Looks nothing up.
 *
 * @param hosts a destination by its name and its addresses
 * @param port undefined for all
 */
export function profilesThatWould(
  hosts: readonly string[],
  port: number | undefined,
  profiles: ReadonlyArray<{ readonly name: string; readonly config: Config }>,
): readonly CapturingProfile[] {
  return profiles.flatMap(({ name, config }) => {
    const by = hosts.map((host) => whatCaptures(host, port, config)).find((found) => found !== undefined);
    return by === undefined ? [] : [{ name, by }];
  });
}

function whatCaptures(host: string, port: number | undefined, config: Config): string | undefined {
  const address = canonicalAddress(host);
  if (address !== undefined) {
    const rule = decidingRule(rulesOf(config, new Map()), { family: familyOf(address), address }, port);
    return rule?.action === 'include' ? formatCaptureRule(rule) : undefined;
  }
  const zone = zoneOf(host, config.dns?.zones ?? []);
  if (zone !== undefined) return `--domain ${formatZone(zone)}`;
  if (config.dns?.everything === true) return '--dns';
  const isWritten = config.subnets.some(
    ({ action, subnet }) =>
      action === 'include' && subnet.kind === 'name' && canonicalName(subnet.name) === canonicalName(host),
  );
  return isWritten ? host : undefined;
}
