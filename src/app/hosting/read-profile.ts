import type { Config } from '../../config/config.ts';
import { TshuttleError } from '../../core/errors.ts';
import { problemLines } from '../../core/problem.ts';
import type { TunnelOrder } from '../../daemon/start/protocol.ts';
import { withClouds } from '../openstack/profile-clouds.ts';
import type { ProcessContext } from '../process-context.ts';
import { profileSurroundingsOf } from '../running-tunnels/profile-surroundings.ts';

/**
 * Reads the profile of a tunnel anew, from the file where it was.
 *
 * @throws TshuttleError ERR_CONFIG with all that is wrong with it
 */
export async function readProfile(
  { name, profileFile }: Pick<TunnelOrder, 'name' | 'profileFile'>,
  environment: ProcessContext['environment'],
): Promise<Config> {
  const { loadProfile } = await import('../../config/profiles/load-profiles.ts');
  const loaded = loadProfile(name, profileFile!, profileSurroundingsOf(environment));
  const { profiles, problems } = await withClouds(loaded, environment);
  const profile = profiles[0];
  if (profile !== undefined && problems.length === 0) return profile.config;
  throw new TshuttleError('ERR_CONFIG', `${name} stays as it is: ${problemLines(problems).join('\n')}`, {
    remedy: 'tshuttle config check says all that is wrong',
  });
}
