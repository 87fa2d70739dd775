import type { Config } from '../../config/config.ts';
import type { Remote } from '../../config/parse/remote.ts';
import type { SshRequest } from '../../ssh/config/request.ts';

/** The bastion as the command line names it: the first, where there are several. */
export function sshRequestOf(config: Config): SshRequest {
  const { standbys: _, ...first } = config.remote;
  return requestFor(first, config);
}

/** The bastions that stand by for the first. */
export function standbyRequestsOf(config: Config): readonly SshRequest[] {
  return config.remote.standbys.map((remote) => requestFor(remote, config));
}

function requestFor(remote: Remote, config: Config): SshRequest {
  return {
    ...remote,
    identityFiles: config.identityFiles,
    options: config.sshOptions,
    configFile: config.sshConfigFile,
    jump: config.jump,
    command: config.transport.command,
    upstreamProxy: config.upstreamProxy,
  };
}
