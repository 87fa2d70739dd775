import { decode, encode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { addressesIn, isAnswerTo } from '../../../../src/dns/message/answer.ts';
import { addressAnswer, typeCodeOf } from '../../../../src/dns/message/message.ts';
import { opt, queryPacket, readSampleQuery } from './sample-messages.ts';

const ADDRESSES = ['10.0.0.8', 'fd00::8', '10.0.0.9'];
const ask = (type: 'A' | 'AAAA' | 'MX' | 'ANY', more = {}) =>
  readSampleQuery(
    queryPacket('Db.Example', { questions: [{ type: type as 'A', name: 'Db.Example' }], ...more }),
  );

describe('addressAnswer', () => {
  it('has the addresses of the type that was asked for, under the name as it was asked', () => {
    const answer = decode(addressAnswer(ask('A', { id: 99 }), ADDRESSES, 60));
    expect(answer).toMatchObject({
      id: 99,
      type: 'response',
      rcode: 'NOERROR',
      flag_rd: true,
      flag_ra: true,
      flag_aa: false,
      questions: [{ name: 'Db.Example', type: 'A' }],
      answers: [
        { name: 'Db.Example', type: 'A', ttl: 60, data: '10.0.0.8' },
        { name: 'Db.Example', type: 'A', ttl: 60, data: '10.0.0.9' },
      ],
    });
    expect(addressesIn(addressAnswer(ask('AAAA'), ADDRESSES, 60))).toEqual(['fd00::8']);
    expect(addressesIn(addressAnswer(ask('ANY'), ADDRESSES, 60))).toEqual(ADDRESSES);
  });

  it('is NODATA for another type, and keeps EDNS behind the records', () => {
    expect(decode(addressAnswer(ask('MX'), ADDRESSES, 60))).toMatchObject({ rcode: 'NOERROR', answers: [] });
    const answer = decode(addressAnswer(ask('A', { additionals: [opt(1400)] }), ADDRESSES, 60));
    expect(answer.answers).toHaveLength(2);
    expect(answer.additionals).toMatchObject([{ type: 'OPT' }]);
  });
});

describe('addressesIn', () => {
  it('finds them behind aliases, and nothing in what cannot be read', () => {
    const answers = [
      { type: 'CNAME' as const, name: 'a', ttl: 1, data: 'b' },
      { type: 'A' as const, name: 'b', ttl: 1, data: '10.0.0.1' },
      { type: 'TXT' as const, name: 'b', ttl: 1, data: '10.0.0.2' },
    ];
    expect(addressesIn(encode({ type: 'response', id: 1, answers }))).toEqual(['10.0.0.1']);
    expect(addressesIn(Buffer.from([1, 2, 3]))).toEqual([]);
  });
});

describe('isAnswerTo', () => {
  const query = queryPacket('a.example');
  const answer = (more = {}) =>
    encode({ type: 'response', id: 7, questions: [{ type: 'A', name: 'A.Example' }], ...more });

  it('takes the same id and question, in any case', () => {
    expect(isAnswerTo(answer(), query)).toBe(true);
    expect(isAnswerTo(answer({ id: 8 }), query)).toBe(false);
    expect(isAnswerTo(answer({ questions: [{ type: 'AAAA', name: 'a.example' }] }), query)).toBe(false);
    expect(isAnswerTo(answer({ questions: [{ type: 'A', name: 'b.example' }] }), query)).toBe(false);
    expect(isAnswerTo(query, query), 'a query').toBe(false);
    expect(isAnswerTo(answer().subarray(0, 11), query)).toBe(false);
    expect(isAnswerTo(answer().subarray(0, 14), query), 'half a question').toBe(false);
  });

  it('does without the question only where the query could not be read, or is of an unknown kind', () => {
    expect(isAnswerTo(answer({ questions: [] }), query)).toBe(false);
    for (const [rcode, isTaken] of [
      [1, true],
      [4, true],
      [3, false],
      [2, false],
    ] as const) {
      expect(isAnswerTo(answer({ questions: [], flags: rcode }), query), `rcode ${rcode}`).toBe(isTaken);
    }
  });
});

it('typeCodeOf is the number in the question', () => {
  expect(typeCodeOf(ask('AAAA'))).toBe(28);
});
