import type { Logger } from '../core/log.ts';
import type { OnStep } from '../core/progress.ts';
import type { DnsOptions } from '../dns/names/dns-options.ts';
import type { ProxyListen } from '../ingress/proxy/proxies.ts';
import type { ProxyCredentials } from '../ingress/proxy/proxy-credentials.ts';
import type { RedirectOptions } from '../ingress/redirect.ts';
import type { CaptureRule } from '../net/address/capture-rule.ts';
import type { Forward } from '../net/address/forward.ts';
import type { NetworkMap } from '../net/address/network-map.ts';
import type { SshRequest } from '../ssh/config/request.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { BastionOptions } from './bastion/bastion.ts';
import type { SplitOptions } from './flows/split.ts';

/** What a tunnel is to do. */
export interface TunnelOptions extends RedirectOptions, BastionOptions {
  /** The bastion, and those that stand by for it: at least one. */
  readonly remotes: readonly [SshRequest, ...SshRequest[]];
  readonly rules: readonly CaptureRule[];
  /** Whether connections and queries are captured at all; without it nothing needs root. */
  readonly captures: boolean;
  /** What no rule captures leaves from this machine itself; undefined: all that comes to us goes through the bastion. */
  readonly split: SplitOptions | undefined;
  /** Where flows come in by proxies of ours, which carry whatever their clients ask for. */
  readonly proxies: readonly ProxyListen[];
  readonly proxyCredentials: ProxyCredentials | undefined;
  readonly forwards: readonly Forward[];
  /** What of the captured leads to other addresses behind the bastion. */
  readonly maps: readonly NetworkMap[];
  /** Undefined leaves DNS alone. */
  readonly dns: DnsOptions | undefined;
  /** Where names keep their synthetic addresses from one run to the next, and what was warned of is remembered. */
  readonly stateFolder: string;
}

/** Dependencies of {@link openTunnel}. */
export interface TunnelContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  /** Ends the opening; after that use {@link Tunnel.close}. */
  readonly signal: AbortSignal;
  /** Told of what the opening waits for. */
  readonly onStep?: OnStep | undefined;
  /** How long nothing is tried after a connection or an attempt, before a tunnel goes back to an earlier bastion; tests have their own. */
  readonly returnQuietMs?: number;
}
