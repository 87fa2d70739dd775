import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { deferred } from '../core/deferred.ts';
import { TshuttleError } from '../core/errors.ts';
import { type Endpoint, formatHostPort, type HostPort } from '../net/address/endpoint.ts';
import { makeFlow } from '../net/flow.ts';
import { connectSockets } from '../net/sockets/socket-pair.ts';
import { diagnoseProhibition } from './forwarding-diagnosis.ts';
import type { FlowEnd, Transport } from './transport.ts';

/** The part of a transport that {@link openByCarry} calls. */
interface Carrier extends Pick<Transport, 'carry'> {
  /** For people: `user@bastion (203.0.113.7:22)`. */
  readonly description: string;
}

/** What OpenSSH tells for `ssh -W`, where there is no originator either (channels.c, port_open_helper). */
const OWN_ORIGINATOR: Endpoint = { family: 4, address: '127.0.0.1', port: 65_535 };

/**
 * `Transport.open` by means of `carry`: one end of a socket pair is carried, the other is what the caller gets. So all rules
 * of flows hold, back-pressure above all, with no second implementation of them.
 *
 * @param writableHighWaterMark of the socket, in bytes
 * @throws TshuttleError as `Transport.open` does
 */
export async function openByCarry(
  carrier: Carrier,
  destination: HostPort,
  signal: AbortSignal,
  writableHighWaterMark?: number,
): Promise<Socket> {
  signal.throwIfAborted();
  const { near, far } = connectSockets(writableHighWaterMark === undefined ? {} : { writableHighWaterMark });
  const opened = deferred<void>();
  const onAbort = (): void => opened.reject(signal.reason);
  // Many may be opening at once, which is no leak.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', onAbort, { once: true });
  const flow = makeFlow({
    accepted: far,
    originator: OWN_ORIGINATOR,
    destination,
    onOpen: () => opened.resolve(),
  });
  void carrier.carry(flow).then(({ end }) => {
    if (flow.stage !== 'open') far.destroy();
    opened.reject(failureOf(end, carrier.description, destination));
  });
  try {
    await opened.promise;
    signal.throwIfAborted();
    return near;
  } catch (error) {
    near.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The error for a channel that was over before it was open. */
function failureOf(end: FlowEnd, bastion: string, destination: HostPort): TshuttleError {
  const where = formatHostPort(destination.host, destination.port);
  if (end.kind !== 'refused') {
    const why = end.kind === 'aborted' || end.kind === 'reset' ? end.detail : 'the bastion was lost';
    return new TshuttleError('ERR_BASTION_LOST', `cannot reach ${where} through ${bastion}: ${why}`, {
      cause: end,
    });
  }
  if (end.reason === 'prohibited') {
    const evidence = { keyOptions: end.keyOptions ?? [], permitted: undefined };
    const { reason, remedy } = diagnoseProhibition(destination, evidence);
    const message = `${bastion} prohibits a connection to ${where}: ${reason}`;
    return new TshuttleError('ERR_CHANNEL_REFUSED', message, { remedy, cause: end });
  }
  const said = end.description === '' ? end.reason : end.description;
  return new TshuttleError(
    'ERR_CHANNEL_REFUSED',
    `${bastion} cannot open a connection to ${where}: ${said}`,
    {
      remedy: 'check the host and the port, and that the bastion can reach them',
      cause: end,
    },
  );
}
