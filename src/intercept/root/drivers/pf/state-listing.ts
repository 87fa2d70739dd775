import {
  type Endpoint,
  formatHostPort,
  makeEndpoint,
  sameEndpoint,
} from '../../../../net/address/endpoint.ts';
import type { LookUp } from '../../../../net/sockets/redirected-connection.ts';

/** A redirected TCP connection in what `pfctl -s state` prints. */
interface ListedState {
  readonly listener: Endpoint;
  readonly originator: Endpoint;
  readonly destination: Endpoint;
  /** Both sides have ended it; the kernel only remembers it. */
  readonly isOver: boolean;
}

/**
 * A connection that came in and was redirected, of FreeBSD and OpenBSD, and of macOS, which has the older form:
 *
 *     all tcp 127.0.0.1:12300 (10.99.0.1:80) <- 10.0.2.15:13960       ESTABLISHED:ESTABLISHED
 *     ALL tcp 127.0.0.1:12300 <- 10.99.0.1:80 <- 10.0.2.15:13960       ESTABLISHED:ESTABLISHED
 */
const STATE = /^\S+ tcp (\S+) (?:\((\S+)\)|<- (\S+)) <- (\S+)\s+(\S+):(\S+)/;

const OVER: ReadonlySet<string> = new Set(['FIN_WAIT_2', 'TIME_WAIT', 'CLOSED']);

/** Takes what `pfctl -s state` prints; what is no redirected TCP connection is left out. */
export function parseStates(listing: string): readonly ListedState[] {
  return listing.split('\n').flatMap((line) => {
    const [, listener, inParentheses, afterArrow, originator, theirs, ours] = STATE.exec(line) ?? [];
    const endpoints = [listener, originator, inParentheses ?? afterArrow].map(endpointOf);
    const [to, from, destination] = endpoints;
    if (to === undefined || from === undefined || destination === undefined) return [];
    return [
      { listener: to, originator: from, destination, isOver: OVER.has(theirs ?? '') && OVER.has(ours ?? '') },
    ];
  });
}

/** `10.0.2.15:80` or `2001:db8::1[80]`. */
function endpointOf(text = ''): Endpoint | undefined {
  const [, host = '', port = ''] =
    /^(.+)\[(\d{1,5})\]$/.exec(text) ?? /^([\d.]+):(\d{1,5})$/.exec(text) ?? [];
  return makeEndpoint(host, Number(port));
}

/** Where accepted connections were going to, by the states there are; one that is ambiguous is of no use. */
export function destinationsIn(
  states: readonly ListedState[],
  originators: readonly Endpoint[],
  listenerOf: (originator: Endpoint) => Endpoint,
): readonly LookUp[] {
  const byConnection = new Map<string, ListedState[]>();
  for (const state of states) {
    const key = keyOf(state.originator, state.listener);
    byConnection.set(key, [...(byConnection.get(key) ?? []), state]);
  }
  return originators.map((originator): LookUp => {
    const all = byConnection.get(keyOf(originator, listenerOf(originator))) ?? [];
    const open = all.filter(({ isOver }) => !isOver);
    const [first, ...others] = open.length > 0 ? open : all;
    if (first === undefined) return { kind: 'unknown' };
    return others.every(({ destination }) => sameEndpoint(destination, first.destination))
      ? { kind: 'found', destination: first.destination }
      : { kind: 'ambiguous' };
  });
}

function keyOf(originator: Endpoint, listener: Endpoint): string {
  return `${formatHostPort(originator.address, originator.port)} ${formatHostPort(listener.address, listener.port)}`;
}
