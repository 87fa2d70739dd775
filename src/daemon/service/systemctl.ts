import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';

/** Whose systemd: that of the machine, or the user's own. */
export type Manager = 'system' | 'user';

/** A systemd, and the environment in which systemctl finds it. */
export interface ManagerAccess {
  readonly manager: Manager;
  readonly environment: NodeJS.ProcessEnv;
}

/** Starting waits for the bastion; the unit has 180 s for it. */
const TIMEOUT_MS = 200_000;
const MAX_OUTPUT_CHARACTERS = 64 * 1024;

/** How a program ended, and all that it said. */
export interface ToolResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the service manager's to its end, whatever its exit status. @throws TshuttleError ERR_CONFIG when there is none */
export async function runTool(
  program: string,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<ToolResult> {
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(0, MAX_OUTPUT_CHARACTERS);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(0, MAX_OUTPUT_CHARACTERS);
  });
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, stdout, stderr };
  } catch (error) {
    throw new TshuttleError('ERR_CONFIG', `cannot run ${program}: ${messageOf(error)}`, {
      remedy: `services need ${systemWords().serviceManager} here; tshuttle up NAME starts a tunnel without it`,
      cause: error,
    });
  }
}

/** `systemctl`, which must succeed. @throws TshuttleError ERR_CONFIG with what it said */
export async function systemctl(
  { manager, environment }: ManagerAccess,
  ...words: readonly string[]
): Promise<string> {
  const { status, stdout, stderr } = await runTool(
    'systemctl',
    [`--${manager}`, '--no-ask-password', ...words],
    environment,
  );
  if (status === 0) return stdout;
  const reason = stderr.trim().split('\n')[0] || `status ${status}`;
  throw new TshuttleError(
    'ERR_CONFIG',
    `systemctl --${manager} ${words.join(' ')} failed: ${reason}`,
    NO_BUS.test(reason) ? { remedy: NO_BUS_REMEDY[manager] } : {},
  );
}

/** As systemctl of systemd 252 and 257 begins. */
const NO_BUS = /^(?:Failed to connect to .*bus\b|System has not been booted with systemd)/;

const NO_BUS_REMEDY: Readonly<Record<Manager, string>> = {
  system: 'the systemd of the machine must run, and its bus; in a container neither may be there',
  user: 'your own systemd does not answer: loginctl enable-linger starts it, or a new login; see systemctl --user status',
};

/** Properties of a unit (systemctl(1), show). */
export async function propertiesOf(
  access: ManagerAccess,
  unit: string,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const text = await systemctl(access, 'show', unit, `--property=${names.join(',')}`);
  const pairs = text.split('\n').flatMap((line): Array<[string, string]> => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
  });
  return Object.fromEntries(pairs);
}
