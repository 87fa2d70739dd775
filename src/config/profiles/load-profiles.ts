import { dirname } from 'node:path';
import type { Problem } from '../../core/problem.ts';
import type { Config } from '../config.ts';
import { withCredentials } from '../credentials.ts';
import type { RawOptions } from '../options/table.ts';
import type { ConfigSurroundings } from '../parse-config.ts';
import { closestOf } from './closest.ts';
import { loadGates, type Target } from './load-gates.ts';
import { mayHaveTarget, mayHaveTargets, whyUnknownTarget } from './may-have-targets.ts';
import { configOfProfile } from './profile.ts';
import { type ProfileDocument, parseProfileDocument } from './profile-document.ts';
import { type ProfilePlaces, projectFileCandidates, userProfileFile } from './profile-places.ts';
import type { Origin } from './project-restrictions.ts';
import type { ReadTrustedFile } from './trusted-file.ts';

/** A tunnel by its name. */
export interface Profile {
  readonly name: string;
  /** The file it stands in, as an absolute path. */
  readonly file: string;
  readonly config: Config;
  /** The same as options of a command line. */
  readonly raw: RawOptions;
}

/** The profiles that were asked for, as far as they are right, and all that is wrong. */
export interface LoadedProfiles {
  readonly profiles: readonly Profile[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** The parts of the machine that {@link loadProfiles} reads. */
export interface ProfileSurroundings
  extends ProfilePlaces,
    Pick<ConfigSurroundings, 'readTextFile' | 'whyUnreadable'> {
  readonly readTrustedFile: ReadTrustedFile;
  /** Where systemd has put a service's key and known_hosts. */
  readonly credentialsFolder?: string | undefined;
}

/**
 * Loads profiles by name, or all there are: from the user's own file, then from the project file that is the nearest up the
 * tree. A name that both have is the user's: what came with a project never takes its place.
 *
 * The project file is not even read when the user's own has all the names.
 *
 * @param alsoKnown other names that a misspelt one may mean
 */
export function loadProfiles(
  wanted: readonly string[] | 'all',
  surroundings: ProfileSurroundings,
  alsoKnown: readonly string[] = [],
): LoadedProfiles {
  const loader = new Loader(surroundings, { alsoKnown, takesRest: wanted === 'all' });
  loader.read(userProfileFile(surroundings), 'user');
  if (wanted === 'all' || wanted.some((name) => !loader.has(name))) {
    projectFileCandidates(surroundings).some((file) => loader.read(file, 'project'));
  }
  for (const name of wanted === 'all' ? loader.names : new Set(wanted)) loader.load(name);
  return loader.result;
}

/** The names of all profiles, right or not; none of a file that cannot be read. For completing a command line. */
export function profileNames(surroundings: ProfileSurroundings): readonly string[] {
  const loader = new Loader(surroundings);
  loader.read(userProfileFile(surroundings), 'user');
  projectFileCandidates(surroundings).some((file) => loader.read(file, 'project'));
  return loader.names;
}

/** Loads all profiles of one file, whose they are. For checking it. */
export function loadProfileFile(file: string, surroundings: ProfileSurroundings): LoadedProfiles {
  const loader = new Loader(surroundings, { takesRest: true });
  const origin = file === userProfileFile(surroundings) ? 'user' : 'project';
  if (!loader.read(file, origin)) loader.problem({ where: file, what: 'there is no such file' });
  for (const name of loader.names) loader.load(name);
  return loader.result;
}

/** Loads all profiles of a text that is to be the user's own file. For checking it before. */
export function loadProfileText(
  file: string,
  text: string,
  surroundings: ProfileSurroundings,
): LoadedProfiles {
  const readTrustedFile: ReadTrustedFile = (path) =>
    path === file ? { kind: 'text', text } : surroundings.readTrustedFile(path);
  return loadProfileFile(file, { ...surroundings, readTrustedFile });
}

/** Loads one profile of a file, whatever the others are like. */
export function loadProfile(name: string, file: string, surroundings: ProfileSurroundings): LoadedProfiles {
  const loader = new Loader(surroundings);
  const origin = file === userProfileFile(surroundings) ? 'user' : 'project';
  if (loader.read(file, origin)) loader.load(name);
  else loader.problem({ where: file, what: 'there is no such file' });
  return loader.result;
}

interface Source {
  readonly file: string;
  readonly origin: Origin;
  readonly document: Extract<ProfileDocument, { kind: 'document' }>;
}

class Loader {
  readonly #surroundings: ProfileSurroundings;
  readonly #sources = new Map<string, Source>();
  readonly #profiles: Profile[] = [];
  readonly #problems: Problem[] = [];
  readonly #warnings: Problem[] = [];
  readonly #targets: ReadonlyMap<string, Target>;
  /** What is wrong with the file of the targets. */
  readonly #targetProblems: readonly Problem[];
  #isComplete = true;

  readonly #alsoKnown: readonly string[];
  readonly #takesRest: boolean;

  /** @param options.takesRest loads what is right of a file in which something is wrong, to find all that is */
  constructor(
    surroundings: ProfileSurroundings,
    options: { readonly alsoKnown?: readonly string[]; readonly takesRest?: boolean } = {},
  ) {
    this.#surroundings = surroundings;
    this.#alsoKnown = options.alsoKnown ?? [];
    this.#takesRest = options.takesRest ?? false;
    const gates = mayHaveTargets(surroundings) ? loadGates(surroundings) : undefined;
    this.#targets = gates?.targets ?? new Map();
    this.#targetProblems = gates?.problems ?? [];
  }

  get names(): readonly string[] {
    return [...this.#sources.keys()];
  }

  get result(): LoadedProfiles {
    return { profiles: this.#profiles, problems: this.#problems, warnings: this.#warnings };
  }

  has(name: string): boolean {
    return this.#sources.has(name);
  }

  /** Once, however many profiles have it. */
  problem({ where, what }: Problem): void {
    if (!this.#problems.some((known) => known.where === where && known.what === what))
      this.#problems.push({ where, what });
  }

  /** Takes the names of a file. False when there is no such file. */
  read(file: string, origin: Origin): boolean {
    const read = this.#surroundings.readTrustedFile(file);
    if (read.kind === 'missing') return false;
    if (read.kind === 'unreadable') {
      this.problem({ where: file, what: read.what });
      this.#isComplete = false;
      return true;
    }
    const document = parseProfileDocument(file, read.text);
    if (document.kind === 'problems') {
      this.#problems.push(...document.problems);
      this.#isComplete = false;
      if (this.#takesRest && document.rest !== undefined)
        this.#takeNames({ file, origin, document: { kind: 'document', ...document.rest } });
      return true;
    }
    if (origin === 'project') {
      // A cloned repository must not say which keys go where.
      for (const section of ['gates', 'targets'] as const) {
        if (document[section].size === 0) continue;
        const what = `${section} may not stand in a project file; use your own config.yaml`;
        this.problem({ where: document.locate([section]), what });
        this.#isComplete = false;
      }
    }
    this.#takeNames({ file, origin, document });
    return true;
  }

  #takeNames(source: Source): void {
    const { document } = source;
    for (const name of document.profiles.keys()) {
      const other = this.#sources.get(name);
      if (other === undefined) this.#sources.set(name, source);
      else {
        const where = document.locate(['profiles', name]);
        this.#warnings.push({ where, what: `${name} is hidden by the one in ${other.file}` });
      }
    }
  }

  /** Adds a profile, or what is wrong with it. */
  load(name: string): void {
    const source = this.#sources.get(name);
    if (source === undefined) {
      // Else it may stand in the file that cannot be read.
      if (this.#isComplete) this.problem({ where: name, what: this.#unknown(name) });
      return;
    }
    const { file, origin, document } = source;
    const profile = document.profiles.get(name)!;
    const remotes = [profile.remote].flat();
    if (remotes.length === 1) this.#checkTarget(remotes[0]!);
    const result = configOfProfile(profile, origin, (path) => document.locate(['profiles', name, ...path]), {
      ...this.#surroundings,
      targets: this.#targets,
      workingDirectory: dirname(file),
    });
    if (result.kind === 'problems') {
      this.#problems.push(...result.problems);
      return;
    }
    this.#warnings.push(...result.warnings);
    const { credentialsFolder, whyUnreadable } = this.#surroundings;
    const isReadable = (path: string): boolean => whyUnreadable(path) === undefined;
    this.#profiles.push({
      name,
      file,
      config: withCredentials(result.config, credentialsFolder, isReadable),
      raw: result.raw,
    });
  }

  /** Says what is wrong with the user's own file where a bastion may be a target of it. */
  #checkTarget(remote: string): void {
    if (mayHaveTarget(remote, this.#surroundings)) {
      for (const problem of this.#targetProblems) this.problem(problem);
    }
    const unknown = whyUnknownTarget(remote, this.#surroundings);
    if (unknown !== undefined) this.#warnings.push(unknown);
  }

  #unknown(name: string): string {
    const { names } = this;
    const file = userProfileFile(this.#surroundings);
    const meant = closestOf(name, [...names, ...this.#alsoKnown]);
    if (meant !== undefined) return `is not a profile; perhaps ${meant}`;
    if (names.length === 0) return `is not a profile: there are none; write them into ${file}`;
    return `is not a profile; there are ${names.join(', ')}`;
  }
}
