import type { ProcessContext } from '../../app/process-context.ts';
import type { RawOptions } from '../../config/options/table.ts';
import type { Problem } from '../../core/problem.ts';

/** A name of a host that is a single word, as names of profiles are. */
const BARE_WORD = /^[a-z][\w-]*$/i;

/**
 * Names of profiles that stand beside `-r` as SUBNETs or, where the command line was refused, as the bastion itself. A host may have the
 * same name, so nothing is wrong with that.
 *
 * Reads no profiles where no word could be one: every start of a tunnel comes by.
 */
export async function meantAsProfiles(
  { remote = [], subnets }: Pick<RawOptions, 'remote' | 'subnets'>,
  outcome: 'refused' | 'taken',
  environment: ProcessContext['environment'],
): Promise<readonly Problem[]> {
  const words = [...subnets, ...(outcome === 'refused' ? remote : [])].filter((word) => BARE_WORD.test(word));
  if (words.length === 0) return [];
  const { profileNames } = await import('../../config/profiles/load-profiles.ts');
  const { profileSurroundingsOf } = await import('../../app/running-tunnels/profile-surroundings.ts');
  const { line } = await import('./meant-command.ts');
  const names = profileNames(profileSurroundingsOf(environment));
  return [...new Set(words)]
    .filter((word) => names.includes(word))
    .map((word) => ({
      where: subnets.includes(word) ? word : `-r ${word}`,
      what: `is taken for a host, but a profile has the same name; start that with ${line('up', word)}`,
    }));
}
