import { withClouds } from '../../app/openstack/profile-clouds.ts';
import { profileSurroundingsOf } from '../../app/running-tunnels/profile-surroundings.ts';
import { sudoWarnings } from '../../app/running-tunnels/user-folders.ts';
import type { RawOptions } from '../../config/options/table.ts';
import { loadProfiles } from '../../config/profiles/load-profiles.ts';
import type { CheckedConfig, CommandSession } from './command-definition.ts';

/** A configuration, and what is to be said of it by {@link CommandSession.prepare}. */
export type NamedConfig = Pick<CheckedConfig, 'config' | 'warnings'>;

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
): Promise<NamedConfig | undefined | number> {
  if (raw.remote !== undefined) {
    return await session.configOf(raw, { mayCaptureNothing: true });
  }
  if (raw.subnets.length === 0) return undefined;
  const { environment } = session.process;
  const loaded = loadProfiles(raw.subnets.slice(0, 1), profileSurroundingsOf(environment), alsoKnown);
  const { profiles, problems, warnings } = await withClouds(loaded, environment);
  if (problems.length > 0) return await session.refuse('ERR_CONFIG', problems);
  const [profile] = profiles;
  return profile && { config: profile.config, warnings: [...sudoWarnings(environment), ...warnings] };
}
