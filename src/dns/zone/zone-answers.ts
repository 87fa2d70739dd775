import { familyOf, type IpFamily } from '../../net/address/literal.ts';
import { parseZone } from '../../net/address/zone.ts';
import { addressesIn } from '../message/answer.ts';
import { RCODES } from '../message/layout.ts';
import { mapAnswer } from '../message/map-answer.ts';
import { addressAnswer, errorAnswer, type Query, typeCodeOf } from '../message/message.ts';
import type { CachingResolver } from '../resolver/caching-resolver.ts';

/** How long clients may keep a synthetic address: it stays with its name for longer. */
export const SYNTHETIC_TTL_SECONDS = 60;

/** SVCB and HTTPS (RFC 9460): they hold addresses, past which a client would not ask for others. */
const SERVICE_BINDING_TYPES: readonly number[] = [64, 65];

/** Addresses that stand for names which the bastion resolves. */
export interface AddressSource {
  /** Whether names have addresses of the family. */
  has(family: IpFamily): boolean;
  /** The one of a name; undefined when there is none left. Never rejects. */
  addressOf(name: string, family: IpFamily): Promise<string | undefined>;
  /** Whether the bastion has no such name, as far as it has been asked. Never rejects. */
  isMissing(name: string): Promise<boolean>;
}

/** Who can answer for names of the bastion's side. */
export interface ZoneAnswersOptions {
  /** Resolvers behind the bastion; undefined where none is to be asked. */
  readonly cachingResolver: CachingResolver | undefined;
  /** For names in zones. */
  readonly synthetic?: AddressSource;
  /** `bastion`: the resolvers are not asked for names in zones. */
  readonly resolve?: 'auto' | 'bastion';
  /** The address of this side for one behind the bastion, where that is another one; left out: they are the same. */
  readonly toLocal?: (address: string) => string | undefined;
  /** Whether connections to an address go through the tunnel. */
  readonly isCaptured: (destination: { readonly family: IpFamily; readonly address: string }) => boolean;
}

/**
 * Answers for names of the bastion's side: what its resolvers say; and for a name in a zone with a synthetic address where no
 * resolver answers, or where it gives an address that no SUBNET captures, which would be of no use. A name that the bastion has not
 * does not exist.
 */
export class ZoneAnswers {
  readonly #options: ZoneAnswersOptions;

  constructor(options: ZoneAnswersOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async answer(query: Query, isInZone: boolean): Promise<Buffer> {
    const { cachingResolver, synthetic, resolve, toLocal } = this.#options;
    const local = (answer: Buffer): Buffer => (toLocal === undefined ? answer : mapAnswer(answer, toLocal));
    if (!isInZone || synthetic === undefined) {
      // Its hints would be of the other side.
      if (toLocal !== undefined && SERVICE_BINDING_TYPES.includes(typeCodeOf(query)))
        return addressAnswer(query, [], 0);
      const answer = await cachingResolver?.respond(query);
      return answer === undefined ? failure(query) : local(answer);
    }
    if (cachingResolver === undefined || resolve === 'bastion' || !cachingResolver.isReachable) {
      return await synthesize(query, synthetic);
    }
    if (SERVICE_BINDING_TYPES.includes(typeCodeOf(query))) return addressAnswer(query, [], 0);
    const found = await cachingResolver.find(query);
    if (found === undefined) return await synthesize(query, synthetic);
    const answer = local(found);
    const isUseful = addressesIn(answer).every((address) =>
      this.#options.isCaptured({ family: familyOf(address), address }),
    );
    return isUseful ? answer : await synthesize(query, synthetic);
  }
}

async function synthesize(query: Query, synthetic: AddressSource): Promise<Buffer> {
  // Of such a name no host is looked up, and it would be sent to the bastion.
  if (parseZone(query.name) === undefined) return addressAnswer(query, [], 0);
  if (await synthetic.isMissing(query.name)) return errorAnswer(query, RCODES.nameError);
  const family = query.type === 'A' ? 4 : query.type === 'AAAA' ? 6 : undefined;
  if (family === undefined || !synthetic.has(family)) return addressAnswer(query, [], 0);
  const address = await synthetic.addressOf(query.name, family);
  return address === undefined ? failure(query) : addressAnswer(query, [address], SYNTHETIC_TTL_SECONDS);
}

function failure(query: Query): Buffer {
  return errorAnswer(query, RCODES.serverFailure);
}
