import type { ProcessContext } from '../../app/process-context.ts';
import { profileSurroundingsOf } from '../../app/running-tunnels/profile-surroundings.ts';
import { howToStartOneOf, listed, profilesThere } from '../../app/running-tunnels/what-there-is.ts';
import type { Problem } from '../../core/problem.ts';
import { exampleArguments } from '../../core/systems/system-words.ts';
import { line } from '../suggestions/meant-command.ts';

/** Names of profiles, or of tunnels that are up. */
type NameKind = 'profile' | 'tunnel';

/**
 * What is wrong with a command that needs a name and has none: with the names that there are, and a line to type.
 *
 * @param otherwise what may stand in place of a name: `, or --all`
 */
export async function missingName(
  command: string,
  kind: NameKind,
  environment: ProcessContext['environment'],
  otherwise = '',
): Promise<readonly Problem[]> {
  const names = await (kind === 'profile' ? profilesThere(environment) : tunnelsUp(environment));
  const [first] = names;
  const needs = `needs the name of a ${kind}${otherwise}`;
  const because = (what: string): readonly Problem[] => [{ where: command, what: `${needs}${what}` }];
  if (first !== undefined)
    return because(`; there ${names.length === 1 ? 'is' : 'are'} ${listed(names)}: ${line(command, first)}`);
  if (kind === 'tunnel')
    return because(`, and none is up; ${howToStartOneOf(await profilesThere(environment))}`);
  // A file that cannot be read has no names, which is not the user's last word.
  const { loadProfiles } = await import('../../config/profiles/load-profiles.ts');
  const { problems } = loadProfiles('all', profileSurroundingsOf(environment));
  return problems.length > 0
    ? problems
    : because(`, and there is none: tshuttle config add NAME ${exampleArguments()} writes one`);
}

async function tunnelsUp(environment: ProcessContext['environment']): Promise<readonly string[]> {
  const { RunningTunnels } = await import('../../app/running-tunnels/running-tunnels.ts');
  const { surroundingsOf } = await import('../../app/running-tunnels/user-folders.ts');
  const running = await RunningTunnels.find(surroundingsOf(environment));
  running.close();
  return [...new Set(running.names)];
}
