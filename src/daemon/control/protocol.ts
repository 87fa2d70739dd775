// What is said on a control socket: one JSON object a line, requests from the client, replies from the daemon. The daemon
// speaks first, with `hello`. A client asks one thing at a time.
import type { ErrorCode } from '../../core/errors.ts';
import type { FlowEnding, FlowInfo, TunnelStatus } from '../../tunnel/status/status.ts';

/** Goes up with every change that the other side would not understand. */
export const CONTROL_VERSION = 5;

/** The longest request, in bytes; the longest answer of a person fits. */
export const MAX_REQUEST_BYTES = 16_384;

/** The longest reply, in bytes: the flows of a full tunnel. */
export const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** How many flows or endings one request may ask for. */
export const MAX_LISTED = 32_768;

/** What a client may ask. `name` is that of a tunnel. */
export type ControlRequest =
  | { readonly type: 'status'; readonly id: number }
  /** Has all tunnels try whether what they capture arrives, for their status; answered by `done`. */
  | { readonly type: 'check'; readonly id: number }
  /** The flows of a tunnel that are not over, the latest first. */
  | { readonly type: 'flows'; readonly id: number; readonly name: string; readonly limit: number }
  /** How its last flows have ended, the latest first. */
  | { readonly type: 'endings'; readonly id: number; readonly name: string; readonly limit: number }
  /**
   * Waits until a tunnel carries and something answers there through its bastion; null: the auth_url of its cloud, if it has
   * one. Answered by `done`.
   */
  | {
      readonly type: 'reach';
      readonly id: number;
      readonly name: string;
      readonly host: string | null;
      readonly port: number | null;
    }
  /** Ends a tunnel; answered when it is gone. */
  | { readonly type: 'down'; readonly id: number; readonly name: string }
  /** Has a tunnel do what its profile says now. */
  | { readonly type: 'reload'; readonly id: number; readonly name: string }
  /** Has a tunnel log in again, and its questions come here until it is done. */
  | { readonly type: 'login'; readonly id: number; readonly name: string }
  /** The answer to the question of that login; null when the user gave none. */
  | { readonly type: 'answer'; readonly id: number; readonly text: string | null };

/** What a daemon says; `id` is that of the request. */
export type ControlReply =
  | ({ readonly type: 'hello'; readonly protocol: number } & DaemonInfo)
  | { readonly type: 'status'; readonly id: number; readonly tunnels: readonly TunnelReport[] }
  | { readonly type: 'flows'; readonly id: number; readonly flows: readonly FlowInfo[] }
  | { readonly type: 'endings'; readonly id: number; readonly endings: readonly FlowEnding[] }
  | ({ readonly type: 'reloaded'; readonly id: number } & ReloadReport)
  | { readonly type: 'done'; readonly id: number }
  /** To be answered; `echo` is off for secrets. */
  | { readonly type: 'question'; readonly id: number; readonly question: string; readonly echo: boolean }
  /** To be shown; needs no answer. */
  | { readonly type: 'show'; readonly id: number; readonly text: string }
  | ControlFailure;

/** `id` is null when the request could not be understood. */
interface ControlFailure {
  readonly type: 'failed';
  readonly id: number | null;
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string | null;
}

/** The process that answers. */
export interface DaemonInfo {
  readonly pid: number;
  readonly version: string;
  readonly startedAtMs: number;
}

/** A tunnel of a daemon: plain data. */
export interface TunnelReport {
  readonly name: string;
  /** The file of its profile; null when it was started by a command line. */
  readonly profileFile: string | null;
  /** A hash of the bastion, the way to it and the login there, as they were written; for comparing, not for people. */
  readonly bastionKey: string;
  /** The cloud whose catalog it captures, for comparing; null without one. */
  readonly catalogKey: string | null;
  /** Whose connections alone are captured, as `user alice`; null: those of all programs. */
  readonly programs: string | null;
  /** In which network namespace they are, as `the network namespace blue`; null: in its own. Left out by versions of before. */
  readonly namespace?: string | null;
  /** Null when it logs to standard error. */
  readonly logFile: string | null;
  /** What is captured, through whom, by what; null until that is so. */
  readonly captured: string | null;
  /** What is captured by subnets and never captured by excludes; the first of many. */
  readonly rules: ReadonlyArray<{ readonly action: 'include' | 'exclude'; readonly subnet: string }>;
  readonly ruleCount: number;
  /** Names that it answers for; null where it leaves DNS alone. Left out by versions of before. */
  readonly names?: ReportedNames | null;
  /** Ways to tell of events that do not work. Left out by versions of before. */
  readonly eventProblems?: readonly ReportedEventProblem[];
  /** `REMOTE=LOCAL`, as `--map` has them; the first of many. Left out by versions of before. */
  readonly maps?: readonly string[];
  /** Null while it is opened for the first time. */
  readonly status: TunnelStatus | null;
}

/** A way to tell the user of events that has not worked the last time. */
export interface ReportedEventProblem {
  readonly what: string;
  readonly remedy: string;
  readonly lastAtMs: number;
}

/** Names that a tunnel answers for, as they are written. */
export interface ReportedNames {
  /** The first of many. */
  readonly zones: readonly string[];
  /** Whether all names are answered on the bastion's side. */
  readonly everything: boolean;
  /** Resolvers behind the bastion. */
  readonly resolvers: readonly string[];
  readonly resolve: 'auto' | 'bastion';
  /** `NAME=ADDRESS`; the first of many. */
  readonly hosts: readonly string[];
  /** What addresses that stand for names are taken from. */
  readonly syntheticRanges: readonly string[];
}

/** What became of a reload. */
export interface ReloadReport {
  /** The options that were changed, and are applied. */
  readonly applied: readonly string[];
  /** The options that were changed, and are applied by a restart only. */
  readonly needRestart: readonly string[];
  readonly warnings: readonly string[];
}
