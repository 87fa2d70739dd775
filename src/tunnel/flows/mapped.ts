import type { Socket } from 'node:net';
import type { HostPort } from '../../net/address/endpoint.ts';
import { type NetworkMap, toRemote } from '../../net/address/network-map.ts';
import type { Flow } from '../../net/flow.ts';
import type { FlowSummary, Transport } from '../../ssh/transport.ts';

type Carrier = Pick<Transport, 'carry' | 'open'>;

/** Carries what goes to a network of this side to the one behind the bastion for which it stands, address by address. */
export class MappedCarrier implements Carrier {
  readonly #transport: Carrier;
  readonly #maps: readonly NetworkMap[];

  constructor(transport: Carrier, maps: readonly NetworkMap[]) {
    this.#transport = transport;
    this.#maps = maps;
  }

  carry(flow: Flow): Promise<FlowSummary> {
    // A forward says where as the bastion sees it.
    if (!flow.isForwarded) flow.target = this.#mapped(flow.target);
    return this.#transport.carry(flow);
  }

  /** See {@link Transport.open}: as an application's connection would go. */
  open(destination: HostPort, signal: AbortSignal): Promise<Socket> {
    return this.#transport.open(this.#mapped(destination), signal);
  }

  #mapped(destination: HostPort): HostPort {
    const host = toRemote(this.#maps, destination.host);
    return host === undefined ? destination : { host, port: destination.port };
  }
}
