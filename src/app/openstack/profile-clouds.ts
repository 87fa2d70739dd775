import type { LoadedProfiles, Profile } from '../../config/profiles/load-profiles.ts';
import type { Problem } from '../../core/problem.ts';
import type { ProcessContext } from '../process-context.ts';

/** Adds to profiles what their clouds mean, as `--openstack` does on a command line: what is wrong with a cloud is wrong with its profile. */
export async function withClouds(
  { profiles, problems, warnings }: LoadedProfiles,
  environment: ProcessContext['environment'],
): Promise<LoadedProfiles> {
  if (profiles.every(({ config }) => config.openstack === undefined)) return { profiles, problems, warnings };
  const { addOpenstack } = await import('./openstack-capture.ts');
  const all: { profiles: Profile[]; problems: Problem[]; warnings: Problem[] } = {
    profiles: [],
    problems: [...problems],
    warnings: [...warnings],
  };
  for (const profile of profiles) {
    if (profile.config.openstack === undefined) {
      all.profiles.push(profile);
      continue;
    }
    const added = await addOpenstack(profile.config, profile.raw, environment);
    const named = (problem: Problem): Problem => ({ ...problem, where: `${profile.name}: ${problem.where}` });
    if (added.kind === 'problems') all.problems.push(...added.problems.map(named));
    else {
      all.profiles.push({ ...profile, config: added.config });
      all.warnings.push(...added.warnings.map(named));
    }
  }
  return all;
}
