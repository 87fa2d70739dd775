import { dirname } from 'node:path';
import type { Problem } from '../../core/problem.ts';
import { absolutePaths } from '../parse/files/named-files.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseRemote, type Remote } from '../parse/remote.ts';
import { EMPTY_FILE, type WrittenFile } from './file-form.ts';
import type { WrittenGate, WrittenTarget } from './gate-form.ts';
import { type GateSurroundings, mayHaveTargets } from './may-have-targets.ts';
import { parseProfileDocument } from './profile-document.ts';
import { userProfileFile } from './profile-places.ts';

/** An ssh server that leads to a network behind it; paths are absolute. */
export interface Gate extends Pick<Remote, 'user' | 'host' | 'port'> {
  readonly name: string;
  readonly identity: string | undefined;
  readonly managementKey: string | undefined;
  readonly managementUser: string | undefined;
}

/** A server behind a gate; paths are absolute. */
export interface Target {
  readonly name: string;
  readonly gate: Gate;
  readonly server: string;
  readonly user: string;
  readonly identity: string | undefined;
}

/** Gates and targets of the user's own file, in its order; none where anything in it is wrong. */
export interface LoadedGates {
  readonly file: string;
  readonly gates: ReadonlyMap<string, Gate>;
  readonly targets: ReadonlyMap<string, Target>;
  /** The same as it is written. */
  readonly written: WrittenFile;
  readonly problems: readonly Problem[];
}

/** Loads the gates and targets of `config.yaml`; no project file has any. */
export function loadGates(surroundings: GateSurroundings): LoadedGates {
  const file = userProfileFile(surroundings);
  const nothing = { file, gates: new Map(), targets: new Map(), written: EMPTY_FILE };
  const read = surroundings.readTrustedFile(file);
  if (read.kind === 'unreadable') return { ...nothing, problems: [{ where: file, what: read.what }] };
  const written = read.kind === 'missing' ? EMPTY_FILE : parseProfileDocument(file, read.text);
  if ('problems' in written) return { ...nothing, problems: written.problems };
  const toAbsolute = absolutePaths({ ...surroundings, workingDirectory: dirname(file) });
  const path = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : toAbsolute(text);
  const gates = new Map([...written.gates].map(([name, gate]) => [name, gateOf(name, gate, path)]));
  const targets = new Map(
    [...written.targets].map(([name, target]) => [name, targetOf(name, target, gates, path)]),
  );
  return { file, gates, targets, written, problems: [] };
}

/** The targets of `config.yaml`, for whoever may mean one; none where anything in the file is wrong. */
export function loadTargets(surroundings: GateSurroundings): ReadonlyMap<string, Target> {
  return mayHaveTargets(surroundings) ? loadGates(surroundings).targets : new Map();
}

type ToPath = (text: string | undefined) => string | undefined;

function gateOf(name: string, written: WrittenGate, path: ToPath): Gate {
  const remote = parseRemote(written.remote);
  if (remote instanceof Invalid) throw new Error(`the form of ${name} was not checked`);
  const { user, host, port } = remote;
  return {
    ...{ name, user, host, port },
    identity: path(written.identity),
    managementKey: path(written.management_key),
    managementUser: written.management_user,
  };
}

function targetOf(
  name: string,
  { gate, server, user, identity }: WrittenTarget,
  gates: ReadonlyMap<string, Gate>,
  path: ToPath,
): Target {
  return { name, gate: gates.get(gate)!, server, user, identity: path(identity) };
}
