import type { Socket } from 'node:net';
import type { TshuttleError } from '../core/errors.ts';
import type { DnsOptions } from '../dns/names/dns-options.ts';
import type { ProxyListen } from '../ingress/proxy/proxies.ts';
import type { CaptureRule } from '../net/address/capture-rule.ts';
import type { HostPort } from '../net/address/endpoint.ts';
import type { Forward } from '../net/address/forward.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { FlowEnding, FlowInfo, TunnelStatus } from './status/status.ts';

/** A tunnel that carries, and connects to the bastion again when the connection is lost. */
export interface Tunnel {
  /** One line for the user: what is captured now, through whom, with what. */
  readonly readyLine: string;
  /**
   * Resolves, never rejects, when the tunnel can no longer carry for another reason than {@link Tunnel.close}: the rules
   * cannot be vouched for, or the bastion is lost and `onDown` is `exit`.
   */
  readonly lost: Promise<TshuttleError>;
  /** Its proxies, with the ports that they have. */
  readonly proxies: readonly ProxyListen[];
  /** Opens a connection of our own. See `Transport.open`. */
  open(destination: HostPort, signal: AbortSignal): Promise<Socket>;
  /**
   * What a command says that the bastion runs, if it may; up to 128 KiB.
   *
   * @throws Error with a reason for people; TshuttleError ERR_BASTION_LOST
   */
  askBastion(command: string): Promise<string>;
  /** All that is shown of it, now. */
  status(): TunnelStatus;
  /** The flows that are not over, the latest first, up to `limit`. */
  flows(limit: number): readonly FlowInfo[];
  /** How the last flows have ended, the latest first, up to `limit`; some hundreds are remembered. */
  endings(limit: number): readonly FlowEnding[];
  /** Has `listener` called after each change of the status' `state`. @returns what ends that */
  onChange(listener: () => void): () => void;
  /** Connects at once where the tunnel waits to. */
  retryNow(): void;
  /**
   * Connects at once, asking `prompter`: for the user, on whom a tunnel waits whose login was refused.
   *
   * @throws TshuttleError why the login failed
   */
  login(prompter: Prompter): Promise<void>;
  /**
   * Replaces what is captured at one instant; flows go on.
   *
   * @throws TshuttleError ERR_INTERCEPT_APPLY, and what was captured before still is
   */
  setRules(rules: readonly CaptureRule[]): Promise<void>;
  /** Tries whether what is captured arrives, for {@link Tunnel.status}. Never rejects. */
  checkCapture(): Promise<void>;
  /** Answers names by other options; flows go on. Only of a tunnel that captures. See {@link CapturedDns.change}. */
  setDns(dns: DnsOptions | undefined): Promise<void>;
  /**
   * Listens for other forwards; flows go on, also those of forwards that are gone.
   *
   * @throws TshuttleError ERR_LISTEN, and the forwards are as before
   */
  setForwards(forwards: readonly Forward[]): Promise<void>;
  /**
   * Resets the flows, then removes the rules and ends the helper. Idempotent.
   *
   * In this order, because a reset reaches its application only while the rules translate it back
   * (native-notes/reset.md); a connection that is captured meanwhile is reset too.
   */
  close(): Promise<void>;
}
