import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  type VendorProfile,
  vendorNames,
  vendorProfile,
} from '../../../../src/openstack/clouds/vendor-profiles.ts';
import { openstackClient } from '../../../support/lab/requirements.ts';

/*
 * Our list is that of openstacksdk in August 2026. The one that is installed may be older: what it had before is named here,
 * so that what it gets next shows.
 */

interface Said {
  readonly authUrl: string | undefined;
  readonly region: string | undefined;
}

/** What openstacksdk had, up to the version behind it. */
const BEFORE: Readonly<Record<string, Said>> = {
  internap: { authUrl: 'https://identity.api.cloud.iweb.com', region: 'ams01' }, // 0.102
};

/** Not yet in every openstacksdk that is about. */
const LATER: ReadonlySet<string> = new Set(['binero', 'otc-swiss', 'switchcloud']);

/** Profiles that name a place on the internet, and are none of ours, or have one of before here. */
const isElsewhere = (profile: { readonly profile?: string }): boolean => profile.profile !== undefined;

function saidBy({ auth, regions, region_name: region }: Partial<VendorProfile>): Said {
  return { authUrl: auth?.auth_url, region: region ?? regions?.map(nameOf)[0] };
}

const nameOf = (region: unknown): string =>
  typeof region === 'string' ? region : (region as { readonly name: string }).name;

describe.skipIf(openstackClient === undefined)('the vendor profiles', () => {
  const script =
    'import json; from openstack.config import vendors; print(json.dumps(vendors._get_vendor_defaults()))';
  const installed = (): Record<string, VendorProfile & { readonly profile?: string }> =>
    JSON.parse(execFileSync(openstackClient!.python, ['-c', script], { encoding: 'utf8' }));

  it('are those of the openstacksdk that is installed, each with its auth_url and its region', () => {
    const theirs = installed();
    const local = Object.keys(theirs).filter(
      (name) => !isElsewhere(theirs[name]!) && theirs[name]!.auth?.auth_url,
    );
    expect(local.length).toBeGreaterThan(15);
    for (const name of local) {
      const ours = vendorProfile(name);
      const expected = saidBy(theirs[name]!);
      expect([ours === undefined ? undefined : saidBy(ours), BEFORE[name]], name).toContainEqual(expected);
    }
  });

  it('are none that it has not', () => {
    const theirs = installed();
    expect(vendorNames().filter((name) => theirs[name] === undefined && !LATER.has(name))).toEqual([]);
  });
});
