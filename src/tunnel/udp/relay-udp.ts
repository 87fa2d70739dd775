import type { FollowingPart } from '../capture/capture-watch.ts';
import type { UdpCounts } from '../status/status.ts';
import type { TunnelOptions } from '../tunnel-options.ts';
import type { RelayingContext } from './udp-relaying.ts';

/** Datagrams that are relayed, or none. */
interface Relaying extends FollowingPart {
  /** Undefined where none are. */
  readonly counts: UdpCounts | undefined;
  /** Idempotent. */
  close(): void;
}

const NO_RELAYING: Relaying = {
  counts: undefined,
  problems: [],
  tryAgain: async () => {},
  close: () => {},
};

/**
 * Relays datagrams where that is asked for, and something is captured; loaded only then.
 *
 * @throws TshuttleError as `UdpRelaying.open` does
 */
export async function relayUdp(
  options: Pick<TunnelOptions, 'captures' | 'udp' | 'maps' | 'namespace'>,
  context: Omit<RelayingContext, 'maps' | 'namespace'>,
): Promise<Relaying> {
  if (!options.captures || options.udp !== 'relay') return NO_RELAYING;
  const { UdpRelaying } = await import('./udp-relaying.ts');
  return await UdpRelaying.open({ ...options, ...context });
}
