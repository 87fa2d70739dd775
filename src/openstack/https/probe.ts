import { connect, type Socket } from 'node:net';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import { hostPortOf } from '../clouds/auth-url.ts';
import { ask } from './http.ts';
import type { OpenSocket } from './reach.ts';
import type { Trust } from './trust.ts';
import type { Outcome } from './verdict.ts';

/** A way to a service. */
export interface Way {
  readonly open: OpenSocket;
  /** What it means that `open` has thrown this. */
  readonly outcomeOf: (failure: unknown) => Outcome;
}

/** Dependencies of {@link probe}. */
export interface ProbeContext {
  readonly trust: Trust;
  /** For the connection and the answer together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks for a URL without any secret, over verified TLS where it says https. Whatever comes back is an answer.
 *
 * @throws the signal's reason
 */
export async function probe(
  url: URL,
  way: Way,
  { trust, timeoutMs, signal }: ProbeContext,
): Promise<Outcome> {
  const limit = AbortSignal.timeout(timeoutMs);
  let progress: 'connecting' | 'connected' | Outcome = 'connecting';
  const open = async (place: HostPort, ends: AbortSignal): Promise<Socket> => {
    try {
      const socket = await way.open(place, ends);
      progress = 'connected';
      return socket;
    } catch (error) {
      if (!ends.aborted) progress = way.outcomeOf(error);
      throw error;
    }
  };
  try {
    const context = { open, trust, signal: AbortSignal.any([signal, limit]) };
    return { kind: 'answers', status: (await ask({ url, method: 'GET' }, context)).status };
  } catch (error) {
    signal.throwIfAborted();
    // TypeScript does not see that `open` sets it.
    const reached = progress as 'connecting' | 'connected' | Outcome;
    if (typeof reached === 'object') return reached;
    if (!limit.aborted) return serviceOutcome(error, url);
    if (reached === 'connecting') return { kind: 'silent' };
    return {
      kind: 'broken',
      why: `it accepts connections, and gives no answer within ${timeoutMs / 1000} s`,
    };
  }
}

/** Without the bastion. */
export const DIRECTLY: Way = {
  open: ({ host, port }, signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host, port, signal }, () => resolve(socket));
      socket.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    }),
  outcomeOf: (failure) => {
    switch (systemCodeOf(failure)) {
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        return { kind: 'unknown-name' };
      case 'ETIMEDOUT':
        return { kind: 'silent' };
      case 'ECONNREFUSED':
      case 'EHOSTUNREACH':
      case 'ENETUNREACH':
        return { kind: 'refused' };
      default:
        return { kind: 'broken', why: messageOf(failure) };
    }
  },
};

/** What it means that a service was connected to, and gave no answer. */
function serviceOutcome(error: unknown, url: URL): Outcome {
  if (!(error instanceof TshuttleError)) throw error;
  const place = hostPortOf(url);
  const where = place === undefined ? '' : `${formatHostPort(place.host, place.port)}: `;
  const why = error.message.startsWith(where) ? error.message.slice(where.length) : error.message;
  if (error.code !== 'ERR_API_CERTIFICATE') return { kind: 'broken', why };
  const isName = systemCodeOf(error.cause) === 'ERR_TLS_CERT_ALTNAME_INVALID';
  return { kind: isName ? 'tls-name' : 'tls-untrusted', why };
}
