import { createRequire } from 'node:module';
import { TshuttleError } from '../../../core/errors.ts';

/**
 * The one version of ssh2 whose private parts were read for the files of this folder. They are no interface, and neither is the order
 * of its steps: with another version nothing is done, loudly.
 */
export const SUPPORTED_SSH2_VERSION = '1.17.0';

let installed: string | undefined;

/** @throws TshuttleError ERR_INTERNAL with another version, or where ssh2's object has not the shape that was read */
export function refuseOtherSsh2(hasShape: boolean): void {
  installed ??= (createRequire(import.meta.url)('ssh2/package.json') as { readonly version: string }).version;
  if (installed === SUPPORTED_SSH2_VERSION && hasShape) return;
  throw new TshuttleError(
    'ERR_INTERNAL',
    `this version of ssh2, ${installed}, is not the one that tshuttle was made for (${SUPPORTED_SSH2_VERSION})`,
    { remedy: 'install the version of ssh2 that package-lock.json names (npm ci)' },
  );
}
