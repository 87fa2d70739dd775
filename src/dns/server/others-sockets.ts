import { familyOf, type IpFamily } from '../../net/address/literal.ts';
import type { SourceAddress } from '../../net/address/source-address.ts';
import { comesFrom, type TrafficSource } from '../../net/address/traffic-source.ts';
import { FollowedSockets } from '../../net/sockets/interfaces/followed-sockets.ts';
import { placeOnInterface } from '../../net/sockets/interfaces/interface-place.ts';
import type { RefusedAddress } from '../../net/sockets/interfaces/refused-address.ts';
import type { Closable } from '../../net/sockets/one-port.ts';
import type { SocketPlace } from '../../net/sockets/socket-place.ts';

/** Where sockets for the queries to one nameserver are opened. */
export interface OthersPlace {
  readonly place: SocketPlace;
  readonly host: string;
  /** Whether a client's queries are answered, by its address: a datagram does not tell whether it was redirected. */
  readonly admits: (address: string) => boolean;
}

/** The sockets of one nameserver's port at the addresses where others' queries to it arrive. Owns them. */
export class OthersSockets {
  readonly #family: IpFamily;
  readonly #sockets: FollowedSockets;

  /** @param open opens those of one address */
  constructor(nameserver: string, open: (at: OthersPlace) => Promise<Closable>) {
    this.#family = familyOf(nameserver);
    this.#sockets = new FollowedSockets((at) => open(placeOf(at)));
  }

  /** See {@link FollowedSockets.refused}. */
  get refused(): readonly RefusedAddress[] {
    return this.#sockets.refused;
  }

  /** See {@link FollowedSockets.follow}. */
  follow(addresses: readonly SourceAddress[]): Promise<void> {
    return this.#sockets.follow(addresses.filter(({ family }) => family === this.#family));
  }

  /** Idempotent. */
  close(): void {
    this.#sockets.close();
  }
}

function placeOf({ address, interfaceName, interfaceIndex, sources }: SourceAddress): OthersPlace {
  return {
    place: placeOnInterface(interfaceName, interfaceIndex),
    host: address,
    admits: (client) => isFromOneOf(sources, client),
  };
}

function isFromOneOf(sources: readonly TrafficSource[], client: string): boolean {
  const [address = client] = client.split('%');
  return sources.some((source) => source.kind === 'interface' || comesFrom(source, address));
}
