import { existsSync, readFileSync } from 'node:fs';
import type { CloudSurroundings, FoundFile } from '../../../src/openstack/clouds/cloud-files.ts';

/** Files below a folder, and variables, as a client of a cloud finds them. */
export function surroundingsIn(
  home: string,
  workingDirectory: string,
  environment: Readonly<Record<string, string>>,
): CloudSurroundings {
  const readFile = (path: string): FoundFile =>
    existsSync(path) ? { kind: 'text', text: readFileSync(path, 'utf8') } : { kind: 'absent' };
  return { environment, homeDirectory: home, workingDirectory, platform: 'linux', readFile };
}
