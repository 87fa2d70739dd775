import { type ChildCommand, startCommand } from './child-command.ts';

/** A process that becomes the command when it is let go. */
export interface HeldCommand {
  readonly pid: number;
  /** Lets it become the command. */
  release(): ChildCommand;
  /** Ends it, unless it was let go. Idempotent. @returns when it has ended, or the command has */
  abandon(): Promise<void>;
}

/** As `tshuttle: 1: exec: x: not found` a shell tells itself what it cannot run, with the exit codes of {@link ChildCommand}. */
const WAIT_AND_BECOME = 'read -r go <&3 || exit 125; exec "$@" 3<&-';

/**
 * Starts a process of the user's, with our terminal, folder and group, that does nothing until it is let go, and ends with us until then.
 *
 * @param report told why it could not be started
 * @throws Error when it could not
 */
export function holdCommand(
  command: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
  report: (line: string) => void,
): HeldCommand {
  const argv = ['/bin/sh', '-c', WAIT_AND_BECOME, 'tshuttle', ...command] as const;
  const { pid, gate, ...running } = startCommand(argv, environment, report, { hasGate: true });
  if (pid === undefined || gate === undefined) throw new Error('/bin/sh cannot be started');
  return {
    pid,
    release: () => {
      gate.end('go\n');
      return running;
    },
    abandon: async () => {
      gate.destroy();
      await running.ended;
    },
  };
}
