import type { PlacedAddress } from '../../sockets/socket-place.ts';

/** A request to the holder of a network namespace, over Node's own channel. */
export type HolderRequest = { readonly id: number } & (
  | {
      readonly prepare: true;
      readonly ipv6: boolean;
      /** Files that are to be the user's own in it, by a copy in their place. */
      readonly ownCopies: readonly string[];
    }
  | { readonly make: 'server' | 'datagram'; readonly at: PlacedAddress }
);

/** Its answer; a socket comes with it. */
export interface HolderReply {
  readonly id: number;
  readonly answer:
    | { readonly kind: 'done' }
    | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };
}
