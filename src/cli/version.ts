import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSTALLATION_FOLDER } from '../core/installation.ts';

/** The version in package.json. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(INSTALLATION_FOLDER, 'package.json'), 'utf8')) as unknown;
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(version);
}
