import { type ProfilePlaces, userProfileFile } from './profile-places.ts';
import type { ReadTrustedFile } from './trusted-file.ts';

/** What decides which `config.yaml` is read, and how. */
export type GateSurroundings = ProfilePlaces & { readonly readTrustedFile: ReadTrustedFile };

/** Whether `config.yaml` may have targets: told by its text, without the parser of YAML, which every start would load. */
export function mayHaveTargets(surroundings: GateSurroundings): boolean {
  const read = surroundings.readTrustedFile(userProfileFile(surroundings));
  return read.kind === 'text' && /^["']?targets["']?\s*:/m.test(read.text);
}
