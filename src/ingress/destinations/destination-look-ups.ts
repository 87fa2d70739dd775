import type { Socket } from 'node:net';
import { type Deferred, deferred } from '../../core/deferred.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Interceptor } from '../../intercept/interceptor.ts';
import { methodRow } from '../../intercept/rules/redirect-methods.ts';
import { type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { originalDestination } from '../../net/native/original-destination.ts';
import { type LookUp, MAX_LOOK_UPS } from '../../net/sockets/redirected-connection.ts';
import type { LookUpRecord } from './look-up-record.ts';

/**
 * Says where an accepted connection was going to, at once where the kernel tells that by its socket.
 *
 * @param originator the other end of `accepted`
 * @throws TshuttleError ERR_ORIGINAL_DST when that is not known: nothing may be carried then. Or the promise rejects with it, or with
 * ERR_HELPER_LOST.
 */
export type DestinationOf = (
  accepted: Socket,
  family: IpFamily,
  originator: Endpoint,
) => Endpoint | Promise<Endpoint>;

/** The way of the method in use: by the socket, or by asking the helper. What becomes of it goes into the record. */
export function destinationLookUp(
  interceptor: Pick<Interceptor, 'method' | 'lookUp'>,
  record: LookUpRecord,
): DestinationOf {
  const { destinationsFrom } = methodRow(interceptor.method);
  if (destinationsFrom === 'socket') return (accepted, family) => askSocket(accepted, family, record);
  if (destinationsFrom === 'own address') return ownAddress;
  const lookUps = new BatchedLookUps((originators) => interceptor.lookUp(originators), record);
  return (_accepted, _family, originator) => lookUps.of(originator);
}

function askSocket(accepted: Socket, family: IpFamily, record: LookUpRecord): Endpoint {
  try {
    const destination = originalDestination(accepted, family);
    record.found();
    return destination;
  } catch (error) {
    record.failed('unknown');
    throw error;
  }
}

/** Nothing was redirected: the accepted socket has the address that was called. @throws TshuttleError ERR_ORIGINAL_DST */
function ownAddress({ localAddress = '', localPort = 0 }: Socket): Endpoint {
  const destination = makeEndpoint(localAddress, localPort);
  if (destination === undefined) throw new TshuttleError('ERR_ORIGINAL_DST', 'the connection is over');
  return destination;
}

interface Waiting {
  readonly originator: Endpoint;
  readonly found: Deferred<Endpoint>;
}

/**
 * Asks about all connections of one turn of the event loop together, and about those that come meanwhile after that: one question is
 * under way at a time. As many wait at most as there are accepted sockets.
 *
 *     idle ──first──> waits for the turn's end ──> asks ──answered, none waits──> idle
 *                                                  ^  └──answered, some wait──┐
 *                                                  └──────────────────────────┘
 */
export class BatchedLookUps {
  readonly #lookUp: Interceptor['lookUp'];
  readonly #record: Pick<LookUpRecord, 'found' | 'failed'>;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(lookUp: Interceptor['lookUp'], record: Pick<LookUpRecord, 'found' | 'failed'>) {
    this.#lookUp = lookUp;
    this.#record = record;
  }

  /** Where a connection was going to. @throws TshuttleError ERR_ORIGINAL_DST, ERR_HELPER_LOST */
  of(originator: Endpoint): Promise<Endpoint> {
    const found = deferred<Endpoint>();
    this.#waiting.push({ originator, found });
    if (!this.#isBusy) {
      this.#isBusy = true;
      setImmediate(() => void this.#askAll());
    }
    return found.promise;
  }

  async #askAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#ask(this.#waiting.splice(0, MAX_LOOK_UPS));
    this.#isBusy = false;
  }

  async #ask(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#lookUp(batch.map(({ originator }) => originator));
      for (const [index, { found }] of batch.entries()) {
        const result = results[index] ?? { kind: 'refused' };
        if (result.kind === 'found') {
          this.#record.found();
          found.resolve(result.destination);
        } else {
          this.#record.failed(result.kind);
          found.reject(new TshuttleError('ERR_ORIGINAL_DST', REASONS[result.kind]));
        }
      }
    } catch (error) {
      // A helper that has ended is told by the tunnel's state.
      const isRefusal = error instanceof TshuttleError && error.code === 'ERR_ORIGINAL_DST';
      for (const { found } of batch) {
        if (isRefusal) this.#record.failed('refused');
        found.reject(error);
      }
    }
  }
}

const REASONS: Readonly<Record<Exclude<LookUp['kind'], 'found'>, string>> = {
  unknown: 'the kernel knows of no redirect of it: it was made to our listener itself, or is over',
  ambiguous: 'the kernel knows of more than one destination of it',
  refused: 'the kernel does not tell the original destination',
};
