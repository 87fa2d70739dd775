import type { FlowEnd, Refusal } from '../../transport.ts';
import type { ChannelOptions } from '../channels/channel-owner.ts';
import type { Ssh2Transport } from '../transport.ts';
import { RecentBytes } from './choose-connection.ts';

/** Below this a refusal is the destination's: no sshd has so few descriptors. */
const SHORTAGE_CHANNELS = 200;

/** sshd's words for a destination without a route and for its own lack of descriptors (native-notes/sshd-descriptors.md). */
const SHORTAGE_TEXT = 'open failed';

/** One of several connections to the same bastion. */
export interface Member {
  readonly transport: Ssh2Transport;
  readonly recent: RecentBytes;
  /** What it refused for lack of descriptors, and with how many channels. */
  readonly shortages: WeakMap<FlowEnd, number>;
  /** Of a flow that asks for nothing itself: the same for all of them. */
  readonly options: ChannelOptions;
  capacity: number;
  idleSinceMs: number | undefined;
}

/** A connection that has run out of nothing yet. */
export function makeMember(transport: Ssh2Transport): Member {
  const shortages = new WeakMap<FlowEnd, number>();
  const isShort = (refusal: Refusal): boolean => {
    const { channels } = transport.load();
    const isShortage =
      channels >= SHORTAGE_CHANNELS &&
      refusal.reason === 'connect-failed' &&
      refusal.description === SHORTAGE_TEXT;
    if (isShortage) shortages.set(refusal, channels);
    return isShortage;
  };
  return {
    transport,
    recent: new RecentBytes(performance.now()),
    shortages,
    options: { mayTryElsewhere: isShort, giveBackWhenLost: true },
    capacity: Number.POSITIVE_INFINITY,
    idleSinceMs: undefined,
  };
}
