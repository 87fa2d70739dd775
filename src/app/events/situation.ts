import type { TunnelStatus } from '../../tunnel/status/status.ts';
import type { EventKind } from './tunnel-event.ts';

/**
 * How a tunnel is for its user, who does not care for each attempt to connect:
 *
 *     up ──bastion lost, rules gone──> lost ──connected, rules back──> up
 *      └──────────┴──a login would ask, or was refused──> needs-login ──connected──> up
 *                                       └──tried, not reached──> lost
 *
 * A bastion that has hung up because nothing was carried is still up: the next flow notices nothing.
 */
export type Situation = 'up' | 'lost' | 'needs-login';

/** The situation now. @param before left out: this is the first look */
export function situationOf(
  { state, lostSinceMs }: Pick<TunnelStatus, 'state' | 'lostSinceMs'>,
  before: Situation | undefined,
): Situation {
  const whileConnecting = lostSinceMs == null ? 'up' : 'lost';
  switch (state.kind) {
    case 'up':
      return 'up';
    case 'uncaptured':
      return 'lost';
    case 'stopped':
      return before ?? 'lost';
    case 'connecting':
      // The user logs in, or is being asked: nothing is known before that has ended.
      return before === 'needs-login' ? before : whileConnecting;
    case 'waiting':
      if (state.for.kind === 'user') return 'needs-login';
      return state.for.kind === 'parked' ? 'up' : whileConnecting;
  }
}

/** What has happened between two looks; undefined: nothing. */
export function eventBetween(before: Situation | undefined, now: Situation): EventKind | undefined {
  if (before === now) return undefined;
  if (now !== 'up') return now;
  return before === undefined ? 'up' : 'back';
}
