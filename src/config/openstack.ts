import type { Problem } from '../core/problem.ts';
import type { OpenstackCatalog, OpenstackInterface, OpenstackOption } from './config.ts';
import type { PlaceOf } from './place.ts';
import { parseSubnet } from './subnet.ts';

/** The values of the options of OpenStack; true is an option without a value. */
export interface RawOpenstack {
  readonly openstack?: string | true | undefined;
  readonly openstackCatalog?: string | true | undefined;
  readonly openstackInterface?: string | undefined;
  readonly openstackRegion?: string | undefined;
}

const INTERFACES: readonly OpenstackInterface[] = ['public', 'internal', 'admin'];

/** Checks the options of OpenStack together. */
export function parseOpenstack(
  raw: RawOpenstack,
  { toAbsolute, placeOf }: { readonly toAbsolute: (path: string) => string; readonly placeOf: PlaceOf },
): { readonly openstack: OpenstackOption | undefined; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const others: ReadonlyArray<readonly [string, unknown]> = [
    ['--openstack-catalog', raw.openstackCatalog],
    ['--openstack-interface', raw.openstackInterface],
    ['--openstack-region', raw.openstackRegion],
  ];
  if (raw.openstack === undefined) {
    for (const [option, value] of others)
      if (value !== undefined)
        problems.push({ where: placeOf(option), what: 'has no effect without --openstack' });
    return { openstack: undefined, problems };
  }
  const cloud = raw.openstack === true ? undefined : raw.openstack;
  if (cloud !== undefined && parseSubnet(cloud).kind === 'network') {
    const what = 'is a network, not the name of a cloud; write SUBNETs before it, or --openstack=CLOUD';
    problems.push({ where: placeOf('--openstack', cloud), what });
  }
  const wanted = raw.openstackInterface;
  const chosen = INTERFACES.find((name) => name === wanted);
  if (wanted !== undefined && chosen === undefined) {
    problems.push({
      where: placeOf('--openstack-interface', wanted),
      what: `is not one of ${INTERFACES.join(', ')}`,
    });
  }
  const catalog = parseCatalog(raw.openstackCatalog, toAbsolute);
  return { openstack: { cloud, region: raw.openstackRegion, interface: chosen, catalog }, problems };
}

function parseCatalog(
  text: string | true | undefined,
  toAbsolute: (path: string) => string,
): OpenstackCatalog | undefined {
  if (text === undefined) return undefined;
  if (text === true) return { kind: 'credentials' };
  if (text === 'cli') return { kind: 'command' };
  return { kind: 'file', path: text === '-' ? text : toAbsolute(text) };
}
