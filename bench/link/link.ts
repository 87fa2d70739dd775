import { Child } from '../../test/support/process/child.ts';
import type { LinkProfile } from './profiles.ts';

/** The device that the emulator makes in both namespaces. */
export const LINK_DEVICE = 'lk0';

/** A running link emulator. */
export interface Link {
  /** It runs outside the lab's namespaces: whoever started it ends it. */
  readonly pid: number;
  /** Ends it, and with it its devices. Idempotent. */
  stop(): Promise<void>;
}

/** Starts the emulator between two namespaces; its devices exist, without addresses, when this resolves. */
export async function startLink(
  emulator: string,
  client: string,
  bastion: string,
  profile: LinkProfile,
): Promise<Link> {
  const child = new Child([
    emulator,
    client,
    bastion,
    ...[profile.upMbit, profile.downMbit, profile.roundTripMs / 2].map(String),
    ...[profile.bufferBytes, profile.bufferBytes, profile.lossPercent, profile.mtu].map(String),
  ]);
  await child.untilOutput(/ready/);
  return {
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}
