import { existsSync } from 'node:fs';
import { projectFileCandidates, userProfileFile } from '../../config/profiles/profile-places.ts';
import { exampleArguments } from '../../core/systems/system-words.ts';
import type { ProcessContext } from '../process-context.ts';

/** More names than this are not listed. */
const NAMES_SHOWN = 8;

/** Names in half a sentence, and how many more there are. */
export function listed(names: readonly string[]): string {
  const hidden = names.length - NAMES_SHOWN;
  return hidden > 0 ? `${names.slice(0, NAMES_SHOWN).join(', ')} and ${hidden} more` : names.join(', ');
}

/** The names of all profiles; the parser is only loaded where there is a file. */
export async function profilesThere(environment: ProcessContext['environment']): Promise<readonly string[]> {
  const { profileSurroundingsOf } = await import('./profile-surroundings.ts');
  const surroundings = profileSurroundingsOf(environment);
  const files = [userProfileFile(surroundings), ...projectFileCandidates(surroundings)];
  if (!files.some((file) => existsSync(file))) return [];
  return (await import('../../config/profiles/load-profiles.ts')).profileNames(surroundings);
}

/** How to start a tunnel where none is up, by the profiles that there are. */
export async function howToStart(environment: ProcessContext['environment']): Promise<string> {
  return howToStartOneOf(await profilesThere(environment));
}

/** As {@link howToStart}. */
export function howToStartOneOf(profiles: readonly string[]): string {
  const [first, ...others] = profiles;
  if (first === undefined) return `start one: tshuttle ${exampleArguments()}`;
  if (others.length === 0) return `start it: tshuttle up ${first}`;
  return `start one of ${listed(profiles)}: tshuttle up ${first}`;
}
