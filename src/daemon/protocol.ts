import type { Config } from '../config/config.ts';

/** Set in the environment of a daemon that is being started, and removed by it at once. */
export const DAEMON_MARKER = 'TSHUTTLE_DAEMON_CHILD';

/** What the command tells the daemon. It goes over a private channel: it may hold a password. */
export interface StartMessage {
  readonly kind: 'start';
  readonly config: Config;
}

/** What the daemon tells the command when its tunnel carries and it has left the terminal. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly readyLine: string;
}

/** Whether a message is of a kind; both ends are this same program. */
export function isMessage<T extends { readonly kind: string }>(
  message: unknown,
  kind: T['kind'],
): message is T {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === kind;
}

/** Whether this process was started to become a daemon. Takes the mark away, so that no child inherits it. */
export function isDaemonChild(environment: Record<string, string | undefined>): boolean {
  const marked = environment[DAEMON_MARKER] !== undefined && process.connected === true;
  delete environment[DAEMON_MARKER];
  return marked;
}
