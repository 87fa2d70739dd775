import type { TunnelOptions } from '../tunnel-options.ts';
import type { RelayingContext } from './udp-relaying.ts';

/**
 * Relays datagrams where that is asked for, and something is captured; loaded only then.
 *
 * @returns what ends it
 * @throws TshuttleError as `UdpRelaying.open` does
 */
export async function relayUdp(
  options: Pick<TunnelOptions, 'captures' | 'udp' | 'maps' | 'namespace'>,
  context: Omit<RelayingContext, 'maps' | 'namespace'>,
): Promise<() => void> {
  if (!options.captures || options.udp !== 'relay') return () => {};
  const { UdpRelaying } = await import('./udp-relaying.ts');
  const relaying = await UdpRelaying.open({ ...options, ...context });
  return () => relaying.close();
}
