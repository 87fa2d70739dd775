import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { makeFolder } from '../../core/files/folders.ts';
import { AGENT_LABEL, WRITTEN_BY_US } from './launch-agent.ts';
import { runTool } from './systemctl.ts';
import { replaceServiceFile } from './unit-files.ts';

/** How long an agent may take to be gone after `bootout`, which does not wait: the helper has 45 s to undo what it did. */
const GONE_MS = 60_000;
const POLL_MS = 200;

/** What runs launchctl; tests have another. */
export type RunLaunchctl = typeof runTool;

/** What launchd says of the agent (launchctl(1), print). */
export interface AgentState {
  /** `running`, `not running`, `waiting`, ... */
  readonly state: string;
  readonly pid: number | null;
  /** How often it was started. */
  readonly runs: number;
  readonly lastExitCode: number | null;
}

/** Where the agent of a user belongs. */
export function agentFile(homeDirectory: string): string {
  return join(homeDirectory, 'Library', 'LaunchAgents', `${AGENT_LABEL}.plist`);
}

/** Where it logs. */
export function agentLogFile(homeDirectory: string): string {
  return join(homeDirectory, 'Library', 'Logs', 'tshuttle.log');
}

/** The session of the user at the screen, in which an agent has their keychain and their ssh-agent. */
function domainOf(userId: number): string {
  return `gui/${userId}`;
}

/** Whether we have installed the agent. */
export function isAgentInstalled(homeDirectory: string): boolean {
  try {
    return readFileSync(agentFile(homeDirectory), 'utf8').includes(WRITTEN_BY_US);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Writes the agent and has launchd start it, in place of one that runs. Where that fails, the file is as it was.
 *
 * @throws TshuttleError ERR_CONFIG when it cannot be written, or with what launchctl said
 */
export async function installAgent(
  plist: string,
  { homeDirectory, userId }: { readonly homeDirectory: string; readonly userId: number },
  run: RunLaunchctl = runTool,
): Promise<void> {
  const file = agentFile(homeDirectory);
  makeFolder(dirname(agentLogFile(homeDirectory)), 0o755);
  await stopAgent(userId, run);
  const putBack = await replaceServiceFile(file, plist);
  // One that was disabled by hand is not started, and bootstrap only says 5.
  await run('launchctl', ['enable', `${domainOf(userId)}/${AGENT_LABEL}`]);
  const { status, stderr } = await run('launchctl', ['bootstrap', domainOf(userId), file]);
  if (status === 0) return;
  // launchd would start what is there at the next login.
  await putBack();
  throw new TshuttleError(
    'ERR_CONFIG',
    `launchctl bootstrap ${domainOf(userId)} ${file} failed: ${firstLine(stderr, status)}`,
    {
      remedy:
        'it needs you to be logged in at the screen, not by ssh alone; tshuttle up NAME starts a tunnel without it',
    },
  );
}

/** Stops the agent and removes its file. Its log stays. Idempotent. @throws TshuttleError ERR_CLEANUP when it is still there */
export async function uninstallAgent(
  { homeDirectory, userId }: { readonly homeDirectory: string; readonly userId: number },
  run: RunLaunchctl = runTool,
): Promise<void> {
  await stopAgent(userId, run);
  await rm(agentFile(homeDirectory), { force: true });
}

/** The state of the agent; undefined when launchd does not have it. */
export async function agentState(
  userId: number,
  run: RunLaunchctl = runTool,
): Promise<AgentState | undefined> {
  const { status, stdout } = await run('launchctl', ['print', `${domainOf(userId)}/${AGENT_LABEL}`]);
  return status === 0 ? parseAgentState(stdout) : undefined;
}

/** Reads what `launchctl print` says of a service: Apple calls it no interface, so that what is not found is passed over. */
export function parseAgentState(text: string): AgentState {
  const fieldOf = (name: string): string | undefined =>
    // Those of the service itself have one tab; what it holds has more.
    new RegExp(`^\\t${name} = (.*)$`, 'm').exec(text)?.[1]?.trim();
  const numberOf = (name: string): number | null => {
    const value = /^-?\d+/.exec(fieldOf(name) ?? '')?.[0];
    return value === undefined ? null : Number(value);
  };
  return {
    state: fieldOf('state') ?? 'unknown',
    pid: numberOf('pid'),
    runs: numberOf('runs') ?? 0,
    lastExitCode: numberOf('last exit code'),
  };
}

async function stopAgent(userId: number, run: RunLaunchctl): Promise<void> {
  const target = `${domainOf(userId)}/${AGENT_LABEL}`;
  if ((await agentState(userId, run)) === undefined) return;
  await run('launchctl', ['bootout', target]);
  const deadline = performance.now() + GONE_MS;
  while ((await agentState(userId, run)) !== undefined) {
    if (performance.now() > deadline) {
      throw new TshuttleError('ERR_CLEANUP', `launchd does not end ${target}`, {
        remedy: `see why: launchctl print ${target}`,
      });
    }
    await delay(POLL_MS);
  }
}

function firstLine(stderr: string, status: number | null): string {
  return stderr.trim().split('\n')[0] || `status ${status}`;
}
