import type { CloudSurroundings } from '../../../src/openstack/clouds/cloud-files.ts';

/** The home folder of {@link fakeMachine}. */
const HOME = '/home/me';

/** The first place in the home folder. */
export const HOME_FILE = `${HOME}/.config/openstack/clouds.yaml`;

/** A machine with these files, by absolute path, and variables. The working directory is `/work`. */
export function fakeMachine(
  files: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>> = {},
): CloudSurroundings {
  return {
    environment,
    homeDirectory: HOME,
    workingDirectory: '/work',
    platform: 'linux',
    readFile: (path) => {
      const text = files[path];
      return text === undefined ? { kind: 'absent' } : { kind: 'text', text };
    },
  };
}
