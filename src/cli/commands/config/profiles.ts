import { planSave, saveProfile } from '../../../app/profiles/save-profile.ts';
import { profileSurroundingsOf } from '../../../app/running-tunnels/profile-surroundings.ts';
import type { RawOptions } from '../../../config/options/table.ts';
import { closestOf } from '../../../config/profiles/closest.ts';
import { editProfileFile } from '../../../config/profiles/edit-profile-file.ts';
import { parseProfileDocument, renderProfiles } from '../../../config/profiles/profile-document.ts';
import { projectFileCandidates, userProfileFile } from '../../../config/profiles/profile-places.ts';
import { type Problem, renderProblem } from '../../../core/problem.ts';
import type { CommandSession } from '../../command/command-definition.ts';
import { fitError } from '../../command/report.ts';
import { printFitted } from '../../rendering/fit-lines.ts';

/** What one file says of profiles. */
interface Source {
  readonly file: string;
  readonly profiles: ReadonlyMap<string, object>;
}

/**
 * Shows profiles as they are written, by the files that they stand in.
 *
 * @param names none: all
 * @returns the exit code
 */
export async function showProfiles(
  names: readonly string[],
  asJson: boolean,
  { process: context, print, refuse }: CommandSession,
): Promise<number> {
  const { sources, problems } = readSources(context.environment);
  const known = sources.flatMap(({ profiles }) => [...profiles.keys()]);
  const unknown = problems.length > 0 ? [] : names.filter((name) => !known.includes(name));
  const all = [...problems, ...unknown.map((name) => notThere(name, known))];
  if (all.length > 0) return await refuse('ERR_CONFIG', all);
  // The user's own is the first, and hides one of the same name.
  const shown = new Set<string>();
  const wanted = sources.map(({ file, profiles }) => ({
    file,
    profiles: [...profiles].filter(([name]) => {
      if (shown.has(name) || (names.length > 0 && !names.includes(name))) return false;
      shown.add(name);
      return true;
    }),
  }));
  if (asJson) {
    const rows = wanted.flatMap(({ file, profiles }) =>
      profiles.map(([name, values]) => ({ name, file, ...values })),
    );
    print(`${JSON.stringify(rows)}\n`);
    return 0;
  }
  const filled = wanted.filter(({ profiles }) => profiles.length > 0);
  for (const { file, profiles } of filled) print(`# ${file}\n${renderProfiles(profiles)}`);
  if (filled.length === 0)
    print(
      `there are no profiles; they go into ${userProfileFile(profileSurroundingsOf(context.environment))}\n`,
    );
  return 0;
}

/**
 * Writes the options of a command line down as a profile; connects to nobody.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when config.yaml cannot be written
 */
export async function addProfile(
  { name, raw }: { readonly name: string; readonly raw: RawOptions },
  session: CommandSession,
): Promise<number> {
  const parsed = await session.configOf(raw, { leavesCloud: true });
  if (typeof parsed === 'number') return parsed;
  for (const warning of parsed.warnings)
    process.stderr.write(fitError(`tshuttle: ${renderProblem(warning)}\n`));
  const plan = planSave({ name, where: name }, parsed.raw, session.process.environment);
  if (plan.kind === 'problems') return await session.refuse('ERR_CONFIG', plan.problems);
  const problems = await saveProfile(plan);
  if (problems.length > 0) return await session.refuse('ERR_CONFIG', problems);
  printFitted(session.print)(`${name} is in ${plan.file} -> start it: tshuttle up ${name}\n`);
  return 0;
}

/**
 * Removes a profile from the user's own file.
 *
 * @returns the exit code
 * @throws TshuttleError ERR_CONFIG when config.yaml cannot be written
 */
export async function removeProfile(
  name: string,
  { process: context, print, refuse }: CommandSession,
): Promise<number> {
  const file = userProfileFile(profileSurroundingsOf(context.environment));
  const result = await editProfileFile(file, (written) => {
    const known = [...(written?.profiles.keys() ?? [])];
    return known.includes(name)
      ? { section: 'profiles', name, values: undefined }
      : [notThere(name, known, file)];
  });
  if (result.kind === 'problems') return await refuse('ERR_CONFIG', result.problems);
  printFitted(print)(`${name} is removed from ${file}; a tunnel that is up stays up\n`);
  return 0;
}

function readSources(environment: CommandSession['process']['environment']): {
  readonly sources: readonly Source[];
  readonly problems: readonly Problem[];
} {
  const surroundings = profileSurroundingsOf(environment);
  const sources: Source[] = [];
  const problems: Problem[] = [];
  const take = (file: string): boolean => {
    const read = surroundings.readTrustedFile(file);
    if (read.kind === 'missing') return false;
    if (read.kind === 'unreadable') problems.push({ where: file, what: read.what });
    else {
      const document = parseProfileDocument(file, read.text);
      if (document.kind === 'problems') problems.push(...document.problems);
      else sources.push({ file, profiles: document.profiles });
    }
    return true;
  };
  take(userProfileFile(surroundings));
  projectFileCandidates(surroundings).some(take);
  return { sources, problems };
}

function notThere(name: string, known: readonly string[], file?: string): Problem {
  const meant = closestOf(name, known);
  if (meant !== undefined) return { where: name, what: `is not a profile; perhaps ${meant}` };
  const there = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  return { where: name, what: `is not a profile${file === undefined ? '' : ` in ${file}`}; ${there}` };
}
