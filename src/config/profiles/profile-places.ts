import { dirname, isAbsolute, join } from 'node:path';

/** What decides where files of profiles are looked for. */
export interface ProfilePlaces {
  /** `$XDG_CONFIG_HOME`. */
  readonly configHome: string | undefined;
  readonly homeDirectory: string;
  readonly workingDirectory: string;
}

/** The user's own file (XDG Base Directory Specification 0.8: relative paths are ignored). */
export function userProfileFile({ configHome, homeDirectory }: ProfilePlaces): string {
  const base =
    configHome !== undefined && isAbsolute(configHome) ? configHome : join(homeDirectory, '.config');
  return join(base, 'tshuttle', 'config.yaml');
}

/** Where a project's file may be: in the working directory, and in those above it, the nearest first. */
export function projectFileCandidates({ workingDirectory }: ProfilePlaces): readonly string[] {
  const candidates: string[] = [];
  for (let folder = workingDirectory; ; folder = dirname(folder)) {
    candidates.push(join(folder, '.tshuttle.yaml'));
    if (folder === dirname(folder)) return candidates;
  }
}
