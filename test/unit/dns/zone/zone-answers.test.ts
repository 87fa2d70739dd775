import { decode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { errorAnswer, type Query } from '../../../../src/dns/message/message.ts';
import type { CachingResolver } from '../../../../src/dns/resolver/caching-resolver.ts';
import { SyntheticAddresses } from '../../../../src/dns/zone/synthetic-addresses.ts';
import { type AddressSource, ZoneAnswers } from '../../../../src/dns/zone/zone-answers.ts';
import { parseCidr } from '../../../../src/net/address/parse-cidr.ts';
import { answerTo } from '../../../component/dns/resolver/fake-resolver.ts';
import { queryPacket, readSampleQuery } from '../message/sample-messages.ts';

type Says = (query: Query) => Buffer | undefined;

function responderThat(says: Says, isReachable = true): CachingResolver {
  const find = async (query: Query) => says(query);
  const respond = async (query: Query) => says(query) ?? errorAnswer(query, 2);
  return { find, respond, isReachable } as unknown as CachingResolver;
}

function side(
  cachingResolver: CachingResolver | undefined,
  more: Partial<ConstructorParameters<typeof ZoneAnswers>[0]> = {},
) {
  const given: string[] = [];
  const addresses = new SyntheticAddresses({ keepMs: 60_000, nowMs: () => 0 });
  addresses.add({ range4: parseCidr('198.18.0.0/29')!, range6: undefined }, []);
  const synthetic: AddressSource = {
    has: (family) => addresses.has(family),
    addressOf: async (name, family) => {
      given.push(name);
      return addresses.addressOf(name, family);
    },
    isMissing: async (name) => name.startsWith('missing.'),
  };
  const options = {
    cachingResolver,
    synthetic,
    isCaptured: ({ address }: { address: string }) => address.startsWith('10.'),
  };
  const made = new ZoneAnswers({ ...options, ...more });
  const ask = async (name: string, type: string, isInZone = true) => {
    const query = readSampleQuery(queryPacket(name, { questions: [{ type: type as 'A', name }] }));
    const answer = decode(await made.answer(query, isInZone));
    const data = (answer.answers ?? []).flatMap((record) => ('data' in record ? [String(record.data)] : []));
    return { rcode: Reflect.get(answer, 'rcode') as string, data };
  };
  return { ask, given };
}

const saying =
  (address: string): Says =>
  (query) =>
    answerTo(decode(queryPacket(query.name)), address);

describe('the side of the bastion', () => {
  it('gives addresses of this side for those of a mapped network, in zones and out of them', async () => {
    const toLocal = (address: string) => (address === '172.16.0.8' ? '10.201.0.8' : undefined);
    const { ask, given } = side(responderThat(saying('172.16.0.8')), { toLocal });
    for (const isInZone of [true, false])
      expect(await ask('db.a', 'A', isInZone)).toEqual({ rcode: 'NOERROR', data: ['10.201.0.8'] });
    // Its hints would be of the other side.
    expect(await ask('db.a', 'UNKNOWN_65', false)).toEqual({ rcode: 'NOERROR', data: [] });
    expect(given).toHaveLength(0);
  });

  it('answers what its resolvers say where that is captured', async () => {
    const { ask, given } = side(responderThat(saying('10.0.0.8')));
    expect(await ask('db.a', 'A')).toEqual({ rcode: 'NOERROR', data: ['10.0.0.8'] });
    expect(given).toHaveLength(0);
  });

  it('gives a synthetic address where no SUBNET has the address, and the same one again', async () => {
    const { ask, given } = side(responderThat(saying('192.0.2.1')));
    expect(await ask('db.a', 'A')).toEqual({ rcode: 'NOERROR', data: ['198.18.0.1'] });
    expect(await ask('DB.A', 'A')).toEqual({ rcode: 'NOERROR', data: ['198.18.0.1'] });
    expect(given).toHaveLength(2);
    expect(await ask('outside.b', 'A', false)).toEqual({ rcode: 'NOERROR', data: ['192.0.2.1'] });
  });

  it('gives one where no resolver answers, or none is to be asked', async () => {
    const silent = responderThat(() => undefined);
    const known = responderThat(saying('10.0.0.8'));
    const gone = responderThat(() => {
      throw new Error('asked');
    }, false);
    for (const { ask } of [side(undefined), side(silent), side(gone), side(known, { resolve: 'bastion' })]) {
      expect(await ask('db.a', 'A')).toEqual({ rcode: 'NOERROR', data: ['198.18.0.1'] });
    }
    expect(await side(silent).ask('outside.b', 'A', false)).toEqual({ rcode: 'SERVFAIL', data: [] });
    expect(await side(undefined).ask('outside.b', 'A', false)).toEqual({ rcode: 'SERVFAIL', data: [] });
  });

  it('passes on that there is no such name', async () => {
    const { ask } = side(responderThat((query) => errorAnswer(query, 3)));
    expect(await ask('nowhere.a', 'A')).toEqual({ rcode: 'NXDOMAIN', data: [] });
  });

  it('says of a name that the bastion has not that it does not exist, whatever is asked, and gives it no address', async () => {
    for (const { ask, given } of [side(undefined), side(responderThat(saying('192.0.2.1')))]) {
      for (const type of ['A', 'AAAA', 'MX'])
        expect(await ask('missing.a', type), type).toEqual({ rcode: 'NXDOMAIN', data: [] });
      expect(given).toHaveLength(0);
    }
  });

  it('has NODATA for other types, for IPv6 without a range, and for what is no name of a host', async () => {
    const { ask, given } = side(undefined);
    for (const [name, type] of [
      ['db.a', 'AAAA'],
      ['db.a', 'MX'],
      ['db.a', 'TXT'],
      ['a b.a', 'A'],
      ['x\u0007.a', 'A'],
    ] as const) {
      expect(await ask(name, type), `${name} ${type}`).toEqual({ rcode: 'NOERROR', data: [] });
    }
    expect(given).toHaveLength(0);
  });

  it('has SERVFAIL when there is no address left', async () => {
    const { ask } = side(undefined);
    for (const name of ['a.a', 'b.a', 'c.a', 'd.a', 'e.a'])
      expect((await ask(name, 'A')).rcode).toBe('NOERROR');
    expect(await ask('f.a', 'A')).toEqual({ rcode: 'SERVFAIL', data: [] });
  });
});
