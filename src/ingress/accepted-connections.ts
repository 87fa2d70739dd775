import type { Socket } from 'node:net';
import { messageOf } from '../core/errors.ts';
import type { LogFields, Logger } from '../core/log.ts';
import { type Endpoint, formatEndpoint, makeEndpoint } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';
import { type Flow, redirectedFlow } from '../net/flow.ts';
import { isOwnListener } from '../net/machine/local-addresses.ts';
import type { CaptureProbe } from './capture-check/capture-probe.ts';
import type { DestinationOf } from './destinations/destination-look-ups.ts';

/** What {@link AcceptedConnections} need. */
export interface AcceptedContext {
  readonly destinationOf: DestinationOf;
  readonly listenerPort: () => number;
  readonly probe: Pick<CaptureProbe, 'claims'>;
  readonly logger: Logger;
  readonly onFlow: (flow: Flow) => void;
}

/**
 * Makes flows of what a listener accepts. A connection that is none is reset: a probe of ours, one that nobody redirected, and one of
 * which nobody knows where it was going to, for no flow may go to a wrong destination.
 */
export class AcceptedConnections {
  readonly #context: AcceptedContext;

  constructor(context: AcceptedContext) {
    this.#context = context;
  }

  /** Takes one. Nobody may have read from it. */
  take(accepted: Socket, family: IpFamily): void {
    const originator = makeEndpoint(accepted.remoteAddress ?? '', accepted.remotePort ?? 0);
    if (originator === undefined) {
      this.#refuse(accepted, undefined, 'it is over');
      return;
    }
    try {
      const destination = this.#context.destinationOf(accepted, family, originator);
      if (destination instanceof Promise) {
        destination
          .then((found) => this.#decide(accepted, originator, found))
          .catch((error: unknown) => this.#refuse(accepted, originator, messageOf(error)));
      } else {
        this.#decide(accepted, originator, destination);
      }
    } catch (error) {
      this.#refuse(accepted, originator, messageOf(error));
    }
  }

  #decide(accepted: Socket, originator: Endpoint, destination: Endpoint): void {
    const { probe, listenerPort, onFlow } = this.#context;
    if (probe.claims(originator.port, destination)) {
      accepted.resetAndDestroy();
    } else if (isOwnListener(destination, listenerPort())) {
      this.#refuse(accepted, originator, 'it was made to our own listener, and not redirected');
    } else if (!accepted.destroyed) {
      onFlow(redirectedFlow(accepted, destination, originator));
    }
  }

  #refuse(accepted: Socket, originator: Endpoint | undefined, reason: string): void {
    this.#context.logger.info(`closed a connection: ${reason}`, from(originator));
    accepted.resetAndDestroy();
  }
}

function from(originator: Endpoint | undefined): LogFields {
  return { originator: originator === undefined ? 'unknown' : formatEndpoint(originator) };
}
