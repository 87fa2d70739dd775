import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import { Invalid } from '../../../config/parse/invalid.ts';
import { parseRemote } from '../../../config/parse/remote.ts';
import { closestOf } from '../../../config/profiles/closest.ts';
import { whyUnfitFor } from '../../../config/profiles/gate-form.ts';
import { type LoadedGates, loadGates } from '../../../config/profiles/load-gates.ts';
import type { WayIn } from '../../../config/targets/host-blocks.ts';
import type { Problem } from '../../../core/problem.ts';
import type { CommandSession } from '../../command/command-definition.ts';

/** The user's gates and targets; the exit code when something is wrong with the file, which has been said. */
export async function loadedGates({
  process: { environment },
  refuse,
}: Pick<CommandSession, 'process' | 'refuse'>): Promise<LoadedGates | number> {
  const loaded = loadGates(profileSurroundingsOf(environment));
  return loaded.problems.length > 0 ? await refuse('ERR_CONFIG', loaded.problems) : loaded;
}

/** Why there is no such gate or target. */
export function unknownEntry(
  kind: 'gate' | 'target',
  name: string,
  entries: ReadonlyMap<string, unknown>,
  file: string,
): Problem {
  const names = [...entries.keys()];
  const meant = closestOf(name, names);
  if (meant !== undefined) return { where: name, what: `is not a ${kind}; perhaps ${meant}` };
  const there =
    names.length === 0 ? `${file} has none; tshuttle ${kind} add makes one` : `there are ${names.join(', ')}`;
  return { where: name, what: `is not a ${kind}: ${there}` };
}

/** A gate by its name, or as `[USER@]HOST[:PORT]`. */
export function wayInOf(word: string, { gates, file }: Pick<LoadedGates, 'gates' | 'file'>): WayIn | Problem {
  const gate = gates.get(word);
  if (gate !== undefined) return gate;
  // A word alone may be a Host of the ssh configuration; it is more likely a gate that is misspelt.
  if (!/[@.:]/.test(word)) return unknownEntry('gate', word, gates, file);
  const remote = parseRemote(word);
  const why = whyUnfitFor('gates', 'remote', word);
  if (why !== undefined || remote instanceof Invalid)
    return { where: '--gate', what: why ?? 'is no ssh server' };
  return { ...remote, identity: undefined };
}
