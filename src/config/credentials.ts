import { join } from 'node:path';
import type { Config } from './config.ts';

/**
 * The configuration with the key and the known_hosts that systemd has handed to a service (systemd.exec(5), CREDENTIALS), as
 * far as they are there. They come first: the service's user has no files of its own.
 *
 * @param folder what systemd names in CREDENTIALS_DIRECTORY; undefined outside of such a service
 */
export function withCredentials(
  config: Config,
  folder: string | undefined,
  isReadable: (path: string) => boolean,
): Config {
  if (folder === undefined) return config;
  const [identity, knownHosts] = [join(folder, 'identity'), join(folder, 'known_hosts')];
  return {
    ...config,
    identityFiles: [...(isReadable(identity) ? [identity] : []), ...config.identityFiles],
    sshOptions: [
      ...(isReadable(knownHosts) ? [`UserKnownHostsFile=${knownHosts}`] : []),
      ...config.sshOptions,
    ],
  };
}
