import type { HostPort } from '../../net/address/endpoint.ts';
import type { FlowEnding, FlowInfo } from '../../tunnel/status/status.ts';
import type { DaemonInfo, ReloadReport, TunnelReport } from './protocol.ts';

/** What a control socket controls: the tunnels of this process. */
export interface ControlTarget {
  readonly info: DaemonInfo;
  /** In the order in which they were started. */
  readonly tunnels: readonly ControlledTunnel[];
}

/** A tunnel as far as others may have a say in it. */
export interface ControlledTunnel {
  readonly name: string;
  report(): TunnelReport;
  /** Tries whether what is captured arrives, for the report. Never rejects. */
  checkCapture(): Promise<void>;
  /** The flows that are not over, the latest first. */
  flows(limit: number): readonly FlowInfo[];
  /** How the last flows have ended, the latest first. */
  endings(limit: number): readonly FlowEnding[];
  /**
   * Resolves when it carries, and something answers there.
   *
   * @param place left out: what it is for, where it knows that
   * @throws TshuttleError when that takes too long, or cannot be; the signal's reason when that aborts
   */
  reach(place: HostPort | undefined, signal: AbortSignal): Promise<void>;
  /** Ends it; resolves when it is gone. */
  down(): Promise<void>;
  /** @throws TshuttleError when what it should do now is wrong, or could not be done */
  reload(): Promise<ReloadReport>;
  /**
   * Has it log in, and asks this person what has to be asked.
   *
   * @throws TshuttleError when it could not log in; the signal's reason when that aborts
   */
  login(person: Person, signal: AbortSignal): Promise<void>;
}

/** A client of a control socket. */
export interface Person {
  /** @returns undefined when there is no answer, or nobody any more */
  ask(question: string, options: { readonly echo: boolean }): Promise<string | undefined>;
  show(text: string): void;
}
