import type { Problem } from '../../core/problem.ts';
import { type CloudDocument, parseCloudDocument } from './cloud-document.ts';
import {
  type Client,
  type CloudFileKind,
  type CloudSurroundings,
  candidatePaths,
  findCloudFile,
} from './cloud-files.ts';
import { keysOf, type Layer, layerAt } from './layers.ts';

/** The files that a client reads, as far as they are there. */
export interface CloudSources {
  readonly clouds: CloudDocument | undefined;
  readonly secure: CloudDocument | undefined;
  /** Where clouds.yaml was looked for. */
  readonly searched: readonly string[];
  /** All that keeps a file from being YAML. */
  readonly problems: readonly Problem[];
  /** The files that cannot be read: clients go on as if they were not there, which they may not be. */
  readonly unreadable: ReadonlyArray<Problem & { readonly isThere: boolean }>;
  /** The public profiles, read when a cloud names one. */
  publicClouds(): CloudDocument | undefined;
}

/** Finds and parses what a client would read. */
export function readSources(client: Client, surroundings: CloudSurroundings): CloudSources {
  const unreadable: Array<CloudSources['unreadable'][number]> = [];
  const read = (kind: CloudFileKind): CloudDocument | undefined => {
    const paths = candidatePaths(client, kind, surroundings);
    const file = findCloudFile(paths, surroundings.readFile, (where, { what, isThere }) => {
      if (unreadable.every((one) => one.where !== where)) unreadable.push({ where, what, isThere });
    });
    return file === undefined ? undefined : parseCloudDocument(file.path, file.text);
  };
  const clouds = read('clouds');
  const secure = read('secure');
  return {
    clouds,
    secure,
    // One folder may be several of them: that of the user, and the one where the command is typed.
    searched: [...new Set(candidatePaths(client, 'clouds', surroundings))],
    problems: [clouds, secure].flatMap((document) => document?.problems ?? []),
    unreadable,
    publicClouds: () => read('clouds-public'),
  };
}

/** The names of all clouds in the documents, each once. */
export function cloudNames(documents: ReadonlyArray<CloudDocument | undefined>): readonly string[] {
  const names = documents.flatMap((document) =>
    document === undefined ? [] : keysOf(layerAt(document, ['clouds']).value),
  );
  return [...new Set(names)];
}

/** What the documents say of one cloud, the later ones over the earlier. */
export function layersOf(
  documents: ReadonlyArray<CloudDocument | undefined>,
  name: string,
  section: 'clouds' | 'public-clouds' = 'clouds',
): readonly Layer[] {
  return documents.flatMap((document) => {
    if (document === undefined || !keysOf(layerAt(document, [section]).value).includes(name)) return [];
    return [layerAt(document, [section, name])];
  });
}
