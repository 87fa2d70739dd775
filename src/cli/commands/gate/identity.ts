import { absolutePaths, whyUnreadable } from '../../../config/parse/files/named-files.ts';
import { whyUnfitFor } from '../../../config/profiles/gate-form.ts';
import { homeFolder } from '../../../core/accounts.ts';
import { START_FOLDER } from '../../../core/files/start-folder.ts';
import type { Problem } from '../../../core/problem.ts';

/** A file of a key as an absolute path, or what is wrong with it. */
export interface CheckedIdentity {
  readonly path: string | undefined;
  readonly problems: readonly Problem[];
}

/** Checks a file that is to be written down as a key: it can be read, and its path means nothing but itself to ssh. */
export function checkedIdentity(option: string, written: string | undefined): CheckedIdentity {
  if (written === undefined) return { path: undefined, problems: [] };
  const path = absolutePaths({ homeDirectory: homeFolder(), workingDirectory: START_FOLDER })(written);
  const what = whyUnfitFor('targets', 'identity', path) ?? whyUnreadable(path);
  return what === undefined
    ? { path, problems: [] }
    : { path: undefined, problems: [{ where: `${option} ${written}`, what }] };
}
