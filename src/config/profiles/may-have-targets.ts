import type { Problem } from '../../core/problem.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseRemote } from '../parse/remote.ts';
import { UUID } from '../targets/uuid.ts';
import { type ProfilePlaces, userProfileFile } from './profile-places.ts';
import type { ReadTrustedFile } from './trusted-file.ts';

/** What decides which `config.yaml` is read, and how. */
export type GateSurroundings = ProfilePlaces & { readonly readTrustedFile: ReadTrustedFile };

/** Whether `config.yaml` may have targets: told by its text, without the parser of YAML, which every start would load. */
export function mayHaveTargets(surroundings: GateSurroundings): boolean {
  return textWithTargets(surroundings) !== undefined;
}

/** Whether `config.yaml` may have the target that `-r` names, by its name or its UUID: told as {@link mayHaveTargets}. */
export function mayHaveTarget(remote: string, surroundings: GateSurroundings): boolean {
  const parsed = parseRemote(remote);
  if (parsed instanceof Invalid) return false;
  const text = textWithTargets(surroundings);
  if (text === undefined) return false;
  const host = parsed.host.replace(/[^\w-]/g, '\\$&');
  return UUID.test(parsed.host)
    ? text.toLowerCase().includes(parsed.host.toLowerCase())
    : new RegExp(`(?<![\\w.@-])${host}["']?\\s*:`).test(text);
}

/**
 * What is to be said where `-r` may mean a target and nobody can tell, since `config.yaml` cannot be read: that it is taken for a
 * host of ssh. With a port or a password it is no target.
 */
export function whyUnknownTarget(remote: string, surroundings: GateSurroundings): Problem | undefined {
  const parsed = parseRemote(remote);
  if (parsed instanceof Invalid || parsed.port !== undefined || parsed.password !== undefined)
    return undefined;
  const where = userProfileFile(surroundings);
  const read = surroundings.readTrustedFile(where);
  if (read.kind !== 'unreadable') return undefined;
  const what = `${read.what}; whether ${parsed.host} is a target is not known, so it is taken for a host of ssh`;
  return { where, what };
}

function textWithTargets(surroundings: GateSurroundings): string | undefined {
  const read = surroundings.readTrustedFile(userProfileFile(surroundings));
  return read.kind === 'text' && /^["']?targets["']?\s*:/m.test(read.text) ? read.text : undefined;
}
