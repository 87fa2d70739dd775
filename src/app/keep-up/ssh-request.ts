import type { Config } from '../../config/config.ts';
import type { SshRequest } from '../../ssh/config/request.ts';

/** The bastion as the command line names it. */
export function sshRequestOf(config: Config): SshRequest {
  return {
    ...config.remote,
    identityFiles: config.identityFiles,
    options: config.sshOptions,
    configFile: config.sshConfigFile,
    jump: config.jump,
    command: config.transport.command,
    upstreamProxy: config.upstreamProxy,
  };
}
