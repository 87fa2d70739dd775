import { messageOf } from '../../core/errors.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { LOOPBACK } from '../../net/address/literal.ts';
import { type ConnectionTracker, openConnectionTracker } from '../../net/native/netlink/conntrack.ts';
import { openSocketDiag, type SocketDiag } from '../../net/native/netlink/socket-diag.ts';
import type { RedirectedConnection, StrandedFate } from '../../net/sockets/redirected-connection.ts';
import { isCaptured } from '../rules/captured-endpoint.ts';
import type { RedirectPlan } from '../rules/redirect-plan.ts';
import { CALLER_ID } from './caller.ts';
import { RefusedError } from './drivers/backend/rule-backend.ts';

/** The kernel's view of sockets and redirects; tests put their own here. */
export interface SocketKernel {
  readonly sockets: Pick<SocketDiag, 'find' | 'destroy'>;
  readonly tracker: Pick<ConnectionTracker, 'redirectPort'>;
}

/** net/tcp_states.h, those in which an application may still wait for data: established, FIN sent twice over, FIN received. */
const MAY_BE_READ: ReadonlySet<number> = new Set([1, 4, 5, 8]);

const FATES = { destroyed: 'ended', gone: 'told', unsupported: 'unsupported' } as const;

/**
 * Ends the applications' sockets of connections that were redirected to the listener of `plan` and whose other end, at the
 * listener, is gone: nothing that we could send reaches them any more.
 *
 * A connection whose other end is there is never touched, so that neither a mistake nor a caller who asks for what is not his
 * can break one that works. Beyond that it must be known to be ours: the kernel's connection tracker says that it was
 * redirected to our listener; or, where the tracker has forgotten it, the socket belongs to the caller, who may end it in any
 * case, or the caller is root, and the plan captures its destination.
 *
 * @param callerId the user on whose behalf the helper runs
 * @param isRedirected else the listener's end has the destination for its own address, and the tracker knows of no redirect
 * @throws RefusedError when the kernel lets nobody look
 */
export function endStranded(
  connections: readonly RedirectedConnection[],
  plan: RedirectPlan,
  callerId: number,
  kernel: SocketKernel,
  isRedirected = true,
): StrandedFate[] {
  return connections.map(({ originator, destination }) => {
    try {
      const socket = kernel.sockets.find(originator, destination);
      if (socket === undefined || !MAY_BE_READ.has(socket.state)) return 'told';
      const otherEnd = isRedirected ? listenerOf(plan, originator) : destination;
      if (kernel.sockets.find(otherEnd, originator) !== undefined) return 'joined';
      const isTracked = kernel.tracker.redirectPort(originator, destination) === plan.listenerPort;
      const isCallers = callerId === 0 || socket.userId === callerId;
      if (!isTracked && !(isCallers && isCaptured(plan, destination))) return 'not ours';
      return FATES[kernel.sockets.destroy(socket)];
    } catch (error) {
      throw new RefusedError(messageOf(error));
    }
  });
}

/** Where what `originator` opened was accepted. */
function listenerOf({ listenerPort: port }: RedirectPlan, { family }: Endpoint): Endpoint {
  return { family, address: LOOPBACK[family], port };
}

/** {@link endStranded} in this network namespace. @throws RefusedError when the kernel lets nobody look */
export function endStrandedHere(
  connections: readonly RedirectedConnection[],
  plan: RedirectPlan,
  isRedirected: boolean,
): StrandedFate[] {
  const tracker = trackerIfAny();
  let sockets: SocketDiag | undefined;
  try {
    sockets = openSocketDiag();
    return endStranded(connections, plan, CALLER_ID, { sockets, tracker }, isRedirected);
  } catch (error) {
    throw error instanceof RefusedError ? error : new RefusedError(messageOf(error));
  } finally {
    tracker.close();
    sockets?.close();
  }
}

/** A kernel without ctnetlink tells of no redirect. */
function trackerIfAny(): Omit<ConnectionTracker, 'datagramDestination'> {
  try {
    return openConnectionTracker();
  } catch {
    return { redirectPort: () => undefined, close: () => {} };
  }
}
