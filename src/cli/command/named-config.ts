import { withClouds } from '../../app/openstack/profile-clouds.ts';
import { profileSurroundingsOf } from '../../app/running-tunnels/profile-surroundings.ts';
import type { Config } from '../../config/config.ts';
import type { RawOptions } from '../../config/options/table.ts';
import { loadProfiles } from '../../config/profiles/load-profiles.ts';
import type { CommandSession } from './command-definition.ts';

/**
 * The tunnel that a command is about: by its options, or by the name of a profile where a SUBNET would stand; nothing has to
 * be captured.
 *
 * @param alsoKnown names of others that a misspelt one may mean
 * @returns undefined when none is named; the exit code when something is wrong, which has been said
 */
export async function namedConfig(
  raw: RawOptions,
  session: CommandSession,
  alsoKnown: readonly string[] = [],
): Promise<Config | undefined | number> {
  if (raw.remote !== undefined) {
    const parsed = await session.configOf(raw, { mayCaptureNothing: true });
    return typeof parsed === 'number' ? parsed : parsed.config;
  }
  if (raw.subnets.length === 0) return undefined;
  const { environment } = session.process;
  const loaded = loadProfiles(raw.subnets.slice(0, 1), profileSurroundingsOf(environment), alsoKnown);
  const { profiles, problems } = await withClouds(loaded, environment);
  return problems.length > 0 ? await session.refuse('ERR_CONFIG', problems) : profiles[0]?.config;
}
