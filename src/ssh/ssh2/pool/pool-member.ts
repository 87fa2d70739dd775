import type { FlowEnd } from '../../transport.ts';
import type { Ssh2Transport } from '../connected-transport.ts';
import { RecentBytes } from './choose-connection.ts';

/** Below this a refusal is the destination's: no sshd has so few descriptors. */
const SHORTAGE_CHANNELS = 200;

/** sshd's words for a destination without a route and for its own lack of descriptors (native-notes/sshd-descriptors.md). */
const SHORTAGE_TEXT = 'open failed';

/** One of several connections to the same bastion. */
export interface Member {
  readonly transport: Ssh2Transport;
  readonly recent: RecentBytes;
  capacity: number;
  idleSinceMs: number | undefined;
}

/** A connection that has run out of nothing yet. */
export function makeMember(transport: Ssh2Transport): Member {
  return {
    transport,
    recent: new RecentBytes(performance.now()),
    capacity: Number.POSITIVE_INFINITY,
    idleSinceMs: undefined,
  };
}

/** With how many channels a connection has run out of descriptors; undefined where that is not why it did not open one. */
export function shortageOf({ transport }: Member, end: FlowEnd): number | undefined {
  const { channels } = transport.load();
  const isShortage =
    end.kind === 'refused' && end.reason === 'connect-failed' && end.description === SHORTAGE_TEXT;
  return isShortage && channels >= SHORTAGE_CHANNELS ? channels : undefined;
}
