import { isDeepStrictEqual } from 'node:util';
import type { ProfileOptions, RawOptions } from '../../config/options/table.ts';
import { absolutePaths } from '../../config/parse/files/named-files.ts';
import { editProfileFile } from '../../config/profiles/edit-profile-file.ts';
import type { WrittenFile } from '../../config/profiles/file-form.ts';
import { parseProfileDocument, saysNothing } from '../../config/profiles/profile-document.ts';
import { PROFILE_NAME } from '../../config/profiles/profile-form.ts';
import { profileOfOptions } from '../../config/profiles/profile-of-options.ts';
import { userProfileFile } from '../../config/profiles/profile-places.ts';
import type { Problem } from '../../core/problem.ts';
import type { ProcessContext } from '../process-context.ts';
import { profileSurroundingsOf } from '../running-tunnels/profile-surroundings.ts';

/** A profile that can be written, as far as is known before. */
export interface ProfileToSave {
  readonly name: string;
  /** The user's own config.yaml. */
  readonly file: string;
  readonly values: ProfileOptions;
}

/** A profile to write, or all that keeps it from that. */
export type SavePlan =
  | (ProfileToSave & { readonly kind: 'profile' })
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/**
 * Makes a profile of the options of a command line, and looks whether config.yaml can take it: before anything is started, so that
 * the user need not start again.
 *
 * @param where for what is said of the name: `--save office`
 */
export function planSave(
  { name, where }: { readonly name: string; readonly where: string },
  raw: RawOptions,
  environment: ProcessContext['environment'],
): SavePlan {
  const surroundings = profileSurroundingsOf(environment);
  const file = userProfileFile(surroundings);
  const problems: Problem[] = [];
  if (!PROFILE_NAME.test(name))
    problems.push({ where, what: 'is not a name: letters, digits, dot, dash and underscore, 63 at most' });
  const profile = profileOfOptions(raw, absolutePaths(surroundings));
  if (profile.kind === 'problems') problems.push(...profile.problems);
  const read = surroundings.readTrustedFile(file);
  if (read.kind === 'unreadable') problems.push({ where: file, what: read.what });
  // What has only comments, or nothing, takes a profile as well as a file that is not there.
  const document =
    read.kind !== 'text' || saysNothing(read.text) ? undefined : parseProfileDocument(file, read.text);
  if (document?.kind === 'problems') problems.push(...document.problems);
  else if (profile.kind === 'profile') {
    const taken = whyTaken(name, profile.values, document);
    if (taken !== undefined) problems.push({ where, what: taken });
  }
  if (problems.length > 0 || profile.kind === 'problems') return { kind: 'problems', problems };
  return { kind: 'profile', name, file, values: profile.values };
}

/**
 * Writes it into config.yaml, where comments stay.
 *
 * @returns what has come between since it was planned
 * @throws TshuttleError ERR_CONFIG when the file cannot be written
 */
export async function saveProfile({ name, file, values }: ProfileToSave): Promise<readonly Problem[]> {
  const result = await editProfileFile(file, (written) => {
    const taken = whyTaken(name, values, written);
    return taken === undefined ? { section: 'profiles', name, values } : [{ where: name, what: taken }];
  });
  return result.kind === 'problems' ? result.problems : [];
}

function whyTaken(
  name: string,
  values: ProfileOptions,
  written: Pick<WrittenFile, 'profiles'> | undefined,
): string | undefined {
  const there = written?.profiles.get(name);
  return there === undefined || isDeepStrictEqual(there, values)
    ? undefined
    : `is already a profile, with other options; take another name, or first: tshuttle config remove ${name}`;
}
