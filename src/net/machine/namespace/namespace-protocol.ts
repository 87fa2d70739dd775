import type { IpFamily } from '../../address/literal.ts';
import type { PlacedAddress } from '../../sockets/socket-place.ts';
import type { RouteLookup } from '../route-check.ts';

/** A request to the process in a network namespace, over Node's own channel. */
export type HolderRequest = {
  readonly id: number;
} /** Makes a namespace of our own ready; from then on what is in it ends with the process. */ & (
  | {
      readonly prepare: true;
      readonly ipv6: boolean;
      /** Files that are to be the user's own in it, by a copy in their place. */
      readonly ownCopies: readonly string[];
    }
  /** Whose loopback addresses there are. */
  | { readonly look: true }
  | { readonly route: { readonly family: IpFamily; readonly address: string } }
  | { readonly make: 'server' | 'datagram'; readonly at: PlacedAddress }
  | { readonly connect: PlacedAddress; readonly localPort: number }
);

/** Its answer; a socket comes with it. */
export interface HolderReply {
  readonly id: number;
  readonly answer:
    | { readonly kind: 'done' }
    | { readonly kind: 'looked'; readonly families: readonly IpFamily[] }
    | { readonly kind: 'route'; readonly route: RouteLookup }
    | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };
}
