import type { Endpoint } from '../address/endpoint.ts';

/** Most connections of one question about stranded ones: some ms of the helper's time. */
export const MAX_STRANDED = 256;

/** A connection as its application sees it; both ends have the same family. */
export interface RedirectedConnection {
  readonly originator: Endpoint;
  readonly destination: Endpoint;
}

/** Every {@link StrandedFate}. */
export const STRANDED_FATES = ['told', 'joined', 'ended', 'not ours', 'unsupported'] as const;

/**
 * What became of the application's socket of a connection whose end at our listener is gone.
 *
 * - `told`: it is gone, too: a reset has reached it
 * - `joined`: it has an end at our listener, which is another connection's with the same endpoints; it was left alone
 * - `ended`: it was still open, and the kernel was told to end it: the application sees ECONNABORTED
 * - `not ours`: it is still open, and nothing shows that it was redirected to us; it was left alone
 * - `unsupported`: it is still open, and this kernel cannot end it
 */
export type StrandedFate = (typeof STRANDED_FATES)[number];

/** Most connections of one question where they were going to. */
export const MAX_LOOK_UPS = 256;

/** Every {@link LookUp} that found nothing. */
export const LOOK_UP_FAILURES = ['unknown', 'ambiguous', 'refused'] as const;

/**
 * What the kernel knows of an accepted connection.
 *
 * - `found`: where it was going to before it was redirected
 * - `unknown`: the kernel knows of no redirected connection between these endpoints: it was not redirected, or has ended
 * - `ambiguous`: it knows of several, so that none can be believed
 * - `refused`: it does not tell
 */
export type LookUp =
  | { readonly kind: 'found'; readonly destination: Endpoint }
  | { readonly kind: (typeof LOOK_UP_FAILURES)[number] };
