import type { IpFamily } from '../net/endpoint.ts';
import { parseZone } from '../net/zone.ts';
import { addressesIn } from './answer.ts';
import { RCODES } from './layout.ts';
import { addressAnswer, errorAnswer, type Query, typeCodeOf } from './message.ts';
import type { Responder } from './responder.ts';
import type { SyntheticAddresses } from './synthetic-addresses.ts';

/** How long clients may keep a synthetic address: it stays with its name for longer. */
const SYNTHETIC_TTL_SECONDS = 60;

/** SVCB and HTTPS (RFC 9460): they hold addresses, past which a client would not ask for others. */
const SERVICE_BINDING_TYPES: readonly number[] = [64, 65];

/** Who can answer for names of the bastion's side. */
export interface BastionSideOptions {
  /** Resolvers behind the bastion; undefined where none is to be asked. */
  readonly responder: Responder | undefined;
  /** For names in zones. */
  readonly synthetic?: SyntheticAddresses;
  /** `bastion`: the resolvers are not asked for names in zones. */
  readonly resolve?: 'auto' | 'bastion';
  /** Whether connections to an address go through the tunnel. */
  readonly isCaptured: (destination: { readonly family: IpFamily; readonly address: string }) => boolean;
  /** Called when a name was given an address. */
  readonly onGiven?: () => void;
}

/**
 * Answers for names of the bastion's side: what its resolvers say; and for a name in a zone with a synthetic address where no
 * resolver answers, or where it gives an address that no SUBNET captures, which would be of no use.
 */
export class BastionSide {
  readonly #options: BastionSideOptions;

  constructor(options: BastionSideOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async answer(query: Query, isInZone: boolean): Promise<Buffer> {
    const { responder, synthetic, resolve } = this.#options;
    if (!isInZone || synthetic === undefined) return (await responder?.respond(query)) ?? failure(query);
    if (responder === undefined || resolve === 'bastion' || !responder.isReachable) {
      return this.#synthesize(query, synthetic);
    }
    if (SERVICE_BINDING_TYPES.includes(typeCodeOf(query))) return addressAnswer(query, [], 0);
    const answer = await responder.find(query);
    if (answer === undefined) return this.#synthesize(query, synthetic);
    const isUseful = addressesIn(answer).every((address) =>
      this.#options.isCaptured({ family: address.includes(':') ? 6 : 4, address }),
    );
    return isUseful ? answer : this.#synthesize(query, synthetic);
  }

  #synthesize(query: Query, synthetic: SyntheticAddresses): Buffer {
    const family = query.type === 'A' ? 4 : query.type === 'AAAA' ? 6 : undefined;
    // Of such a name no host is looked up, and it would be sent to the bastion.
    if (family === undefined || parseZone(query.name) === undefined) return addressAnswer(query, [], 0);
    if (!synthetic.has(family)) return addressAnswer(query, [], 0);
    const address = synthetic.addressOf(query.name, family);
    if (address === undefined) return failure(query);
    this.#options.onGiven?.();
    return addressAnswer(query, [address], SYNTHETIC_TTL_SECONDS);
  }
}

function failure(query: Query): Buffer {
  return errorAnswer(query, RCODES.serverFailure);
}
