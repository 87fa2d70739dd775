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
