import { execFileSync } from 'node:child_process';
import { isAbsolute } from 'node:path';

const LAUNCHCTL = '/bin/launchctl';
const LAUNCHCTL_TIMEOUT_MS = 2_000;

/** Where OpenSSH for Windows asks the agent that is a service there (its win32compat/ssh-agent/agent.h). */
const WINDOWS_AGENT = '\\\\.\\pipe\\openssh-ssh-agent';

/**
 * The agent that ssh asks where its configuration names none: the one of SSH_AUTH_SOCK, and where that is not set, the one that the system has
 * by itself. launchd of macOS has one for each user, and gives what it starts its socket, but not a login by ssh, cron, or `sudo -i -u`.
 *
 * @param askLaunchd what launchd says of a variable
 */
export function usualAgent(
  environment: Readonly<Record<string, string | undefined>>,
  askLaunchd: (variable: string) => string = getenvOfLaunchd,
): string | undefined {
  const named = environment['SSH_AUTH_SOCK'];
  if (named !== undefined) return named;
  if (process.platform === 'win32') return WINDOWS_AGENT;
  if (process.platform !== 'darwin') return undefined;
  const told = askLaunchd('SSH_AUTH_SOCK').trim();
  return isAbsolute(told) ? told : undefined;
}

/** launchctl(1), getenv; nothing where launchd does not have it, or does not answer. */
function getenvOfLaunchd(variable: string): string {
  try {
    return execFileSync(LAUNCHCTL, ['getenv', variable], {
      encoding: 'utf8',
      timeout: LAUNCHCTL_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
