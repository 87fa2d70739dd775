import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { OnStep } from '../../core/progress.ts';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import type { OpenFailure } from '../../net/flow.ts';
import type { Refusal } from '../../ssh/transport.ts';
import { openFailureOf } from '../../tunnel/flows/flow-end.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';

/** How long a probe may be refused before that counts, and between two of them, in ms. */
const PATIENCE_MS = 30_000;
const INTERVAL_MS = 1_000;

/** Where a tunnel is to reach, and what to do when it does not. */
export interface ReachProbe extends HostPort {
  readonly remedy?: string | undefined;
}

/** The host of an auth_url, whose allow-list may lack the bastion. */
export function cloudProbe({ host, port }: HostPort): ReachProbe {
  const remedy = "perhaps the bastion's address is not on the allow-list: tshuttle openstack check";
  return { host, port, remedy };
}

/**
 * Waits until something answers behind the bastion.
 *
 * @param onStep told why it does not answer yet, and how long that may go on
 * @throws TshuttleError as `Transport.open` does, at once when trying again is of no use, else after 30 s; the signal's reason
 */
export async function waitUntilReached(
  tunnel: Pick<Tunnel, 'open'>,
  probe: ReachProbe,
  signal: AbortSignal,
  onStep?: OnStep,
): Promise<void> {
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  const isWaiting = waitingFor(probe, performance.now() + PATIENCE_MS);
  onStep?.(isWaiting());
  const attempt = AbortSignal.any([signal, deadline]);
  for (;;) {
    try {
      (await tunnel.open({ host: probe.host, port: probe.port }, attempt)).destroy();
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (deadline.aborted) throw notReached(probe, error);
      if (!(error instanceof TshuttleError) || isFinal(error.cause)) throw error;
      onStep?.(isWaiting(reasonOf(error)));
      await delay(INTERVAL_MS, undefined, { signal });
      if (deadline.aborted) throw notReached(probe, error);
    }
  }
}

/**
 * Waits until a tunnel is connected, or will be as soon as something comes.
 *
 * @throws TshuttleError ERR_BASTION_LOST after 30 s, at once when the user has to log in first; the signal's reason
 */
export async function waitUntilCarrying(tunnel: Pick<Tunnel, 'status'>, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const { state, bastion, advice, lastError } = tunnel.status();
    if (state.kind === 'up' || (state.kind === 'waiting' && state.for.kind === 'parked')) return;
    const needsUser = state.kind === 'waiting' && state.for.kind === 'user';
    if (needsUser || performance.now() > deadlineMs) {
      const why = lastError === null ? '' : `: ${lastError.message}`;
      throw new TshuttleError('ERR_BASTION_LOST', `not connected to ${bastion}${why}`, {
        ...(advice === null ? {} : { remedy: advice }),
      });
    }
    await delay(INTERVAL_MS / 10, undefined, { signal });
  }
}

/** For people, as long as it lasts: `waiting for db:5432: refused, 12 s left`. */
export function waitingFor(
  { host, port }: HostPort,
  deadlineMs: number = performance.now() + PATIENCE_MS,
): (why?: string) => () => string {
  const place = formatHostPort(host, port);
  return (why) => () => {
    const left = `${Math.max(0, Math.round((deadlineMs - performance.now()) / 1_000))} s left`;
    return why === undefined ? `waiting for ${place}, ${left}` : `waiting for ${place}: ${why}, ${left}`;
  };
}

const REASONS: Readonly<Partial<Record<OpenFailure, string>>> = {
  refused: 'refused',
  unreachable: 'unreachable',
  'timed-out': 'no answer',
};

/** In a word or two, for a line that may be narrow. */
function reasonOf(error: TshuttleError): string {
  const end = error.cause;
  const isRefusal = typeof end === 'object' && end !== null && Reflect.get(end, 'kind') === 'refused';
  return (isRefusal ? REASONS[openFailureOf(end as Refusal)] : undefined) ?? messageOf(error);
}

function notReached({ host, port, remedy }: ReachProbe, cause: unknown): TshuttleError {
  // What the bastion has said is better than that it took too long.
  const why = cause instanceof TshuttleError ? `: ${cause.message}` : '';
  const message = `no connection to ${formatHostPort(host, port)} through the bastion within ${PATIENCE_MS / 1_000} s${why}`;
  return new TshuttleError('ERR_CHANNEL_REFUSED', message, {
    cause,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Trying again is of no use: the bastion prohibits it, or does not know the name. */
function isFinal(end: unknown): boolean {
  if (typeof end !== 'object' || end === null || Reflect.get(end, 'kind') !== 'refused') return false;
  const failure = openFailureOf(end as Refusal);
  return failure === 'prohibited' || failure === 'unknown-host';
}
