import type { Config } from '../../config/config.ts';

/** Set in the environment of a daemon that is being started, and removed by it at once. */
export const DAEMON_MARKER = 'TSHUTTLE_DAEMON_CHILD';

/** What the command tells the daemon. It goes over a private channel: it may hold a password. */
export interface StartMessage {
  readonly kind: 'start';
  readonly tunnels: readonly TunnelOrder[];
  /** Whether the command has somebody who can be asked. */
  readonly canAsk: boolean;
}

/** Who is at a terminal: the command's, for a daemon that is on none from its start. */
export interface Asker {
  readonly available: boolean;
  /** @returns undefined where nobody answers */
  ask(question: string, options: { readonly echo: boolean }): Promise<string | undefined>;
  show(text: string): void;
}

/** The daemon has the command ask; questions are answered in the order in which they come. */
export interface QuestionMessage {
  readonly kind: 'question';
  readonly question: string;
  readonly echo: boolean;
}

/** The command answers a {@link QuestionMessage}. */
export interface AnswerMessage {
  readonly kind: 'answer';
  readonly answer: string | undefined;
}

/** The daemon has the command show a text that needs no answer. */
export interface ShowMessage {
  readonly kind: 'show';
  readonly text: string;
}

/** A tunnel that is to be opened. */
export interface TunnelOrder {
  /** What it is called at the control socket. */
  readonly name: string;
  /** Where its profile stands, for a reload; null for one that a command line asks for. */
  readonly profileFile: string | null;
  readonly config: Config;
}

/** What became of a {@link TunnelOrder}. */
export interface TunnelOutcome {
  readonly name: string;
  /** What is captured, through whom, by what; null when it could not be opened, and it has been said why. */
  readonly captured: string | null;
  /** 0 for one that is open. */
  readonly exitCode: number;
}

/** What the daemon tells the command when its tunnels carry and it has left the terminal. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly outcomes: readonly TunnelOutcome[];
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
