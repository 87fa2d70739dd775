import { messageOf } from '../../../../core/errors.ts';
import type { Endpoint } from '../../../../net/address/endpoint.ts';
import { type ConnectionTracker, openConnectionTracker } from '../../../../net/native/netlink/conntrack.ts';
import type { LookUp } from '../../../../net/sockets/redirected-connection.ts';
import { RefusedError } from '../backend/rule-backend.ts';

/** Where datagrams were going to that are redirected to a listener's port, as the connection tracker knows; asked from the first question on. */
export class DatagramDestinations {
  #tracker: ConnectionTracker | undefined;

  /**
   * Nothing is told but of exchanges whose answers would come from that port.
   *
   * @throws RefusedError when the kernel cannot be asked
   */
  lookUp(sources: readonly Endpoint[], listenerPort: number): readonly LookUp[] {
    try {
      this.#tracker ??= openConnectionTracker();
      const tracker = this.#tracker;
      return sources.map((source) => {
        const destination = tracker.datagramDestination(source, listenerPort);
        return destination === undefined ? { kind: 'unknown' } : { kind: 'found', destination };
      });
    } catch (error) {
      throw new RefusedError(messageOf(error));
    }
  }

  /** Idempotent. */
  close(): void {
    this.#tracker?.close();
    this.#tracker = undefined;
  }
}
