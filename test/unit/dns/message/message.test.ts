import { decode, encode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { addressedTo, readAnswer } from '../../../../src/dns/message/answer.ts';
import { isSameQuestion } from '../../../../src/dns/message/layout.ts';
import {
  cacheKey,
  errorAnswer,
  fitForUdp,
  readQuery,
  renderQuery,
} from '../../../../src/dns/message/message.ts';
import { seededRandom } from '../../intercept/rules/seeded-random.ts';
import { opt, queryPacket, readSampleAnswer, readSampleQuery } from './sample-messages.ts';

describe('readQuery', () => {
  it('takes the question, the flags that matter and what EDNS says', () => {
    const query = readSampleQuery(queryPacket('DB.Example', { additionals: [opt(1400, { flags: 0x8000 })] }));
    expect(query).toMatchObject({
      id: 7,
      name: 'DB.Example',
      type: 'A',
      flags: 0x0100,
      edns: { udpPayloadBytes: 1400, dnssecOk: true },
    });
  });

  it('never takes a client to have less room than every client has', () => {
    expect(readSampleQuery(queryPacket('a', { additionals: [opt(100)] })).edns?.udpPayloadBytes).toBe(512);
  });

  it('leaves answers alone, which could be answered for ever, and what has no header', () => {
    expect(readQuery(encode({ type: 'response', id: 1 })).kind).toBe('ignored');
    expect(readQuery(Buffer.alloc(11)).kind).toBe('ignored');
    expect(readQuery(Buffer.alloc(0)).kind).toBe('ignored');
  });

  it.each([
    ['FORMERR', queryPacket('a').subarray(0, 14)],
    ['FORMERR', queryPacket('a', { questions: [] })],
    [
      'FORMERR',
      queryPacket('a', {
        questions: [
          { type: 'A', name: 'a' },
          { type: 'A', name: 'b' },
        ],
      }),
    ],
    ['FORMERR', queryPacket('a', { additionals: [opt(512), opt(512)] })],
    ['NOTIMP', queryPacket('a', { flags: 0x2800 })],
  ])('answers %s to a query that it cannot take', (rcode, packet) => {
    const received = readQuery(packet);
    if (received.kind !== 'refused' && received.kind !== 'unsupported') throw new Error(received.kind);
    expect(decode(received.answer)).toMatchObject({ id: 7, type: 'response', rcode });
  });

  it('answers BADVERS to a version of EDNS that is not there yet', () => {
    const received = readQuery(queryPacket('a', { additionals: [opt(512, { ednsVersion: 1 })] }));
    if (received.kind !== 'refused' && received.kind !== 'unsupported') throw new Error(received.kind);
    const answer = decode(received.answer);
    expect(answer).toMatchObject({ rcode: 'NOERROR', additionals: [{ type: 'OPT', extendedRcode: 1 }] });
  });

  it('throws at nothing, on random changes of queries and answers', () => {
    const { seed, random } = seededRandom();
    const samples = [
      queryPacket('db.example', { additionals: [opt(4096)] }),
      encode({
        type: 'response',
        questions: [{ type: 'A', name: 'db.example' }],
        answers: [{ type: 'TXT', name: 'db.example', ttl: 5, data: ['x'] }],
      }),
    ];
    for (let round = 0; round < 5_000; round += 1) {
      const sample = Buffer.from(samples[round % 2]!);
      for (let times = random(5); times >= 0; times -= 1) sample[random(sample.length)] = random(256);
      const packet = sample.subarray(0, random(4) === 0 ? random(sample.length) : sample.length);
      const hex = packet.toString('hex');
      expect(() => readQuery(packet), `seed ${seed}: ${hex}`).not.toThrow();
      expect(() => readAnswer(packet), `seed ${seed}: ${hex}`).not.toThrow();
    }
  });
});

describe('renderQuery', () => {
  it('asks under another id, spells the name as the client did, and leaves the EDNS options behind', () => {
    const cookie = { ...opt(1400), options: [{ code: 10, data: Buffer.from('12345678') }] } as const;
    const query = readSampleQuery(queryPacket('dB.example', { additionals: [cookie as never] }));
    const asked = decode(renderQuery(query, 99));
    expect(asked).toMatchObject({ id: 99, flag_rd: true, questions: [{ name: 'dB.example', type: 'A' }] });
    expect(asked.additionals).toMatchObject([{ type: 'OPT', options: [] }]);
  });

  it('does not speak EDNS for a client that does not', () => {
    expect(decode(renderQuery(readSampleQuery(queryPacket('a')), 1)).additionals).toEqual([]);
  });
});

describe('cacheKey', () => {
  it('is one for a name however it is spelled, and another where the answer may differ', () => {
    const keyOf = (packet: Buffer) => cacheKey(readSampleQuery(packet));
    const key = keyOf(queryPacket('db.example'));
    expect(keyOf(queryPacket('DB.exAMPLE', { id: 9 }))).toBe(key);
    const others = [
      queryPacket('dc.example'),
      queryPacket('db.example', { questions: [{ type: 'AAAA', name: 'db.example' }] }),
      queryPacket('db.example', { additionals: [opt(512)] }),
      queryPacket('db.example', { additionals: [opt(512, { flags: 0x8000 })] }),
      queryPacket('db.example', { flags: 0x0110 }),
    ];
    expect(new Set([key, ...others.map(keyOf)]).size).toBe(6);
  });
});

describe('fitForUdp', () => {
  const long = readSampleAnswer({
    questions: [{ type: 'A', name: 'a' }],
    answers: Array.from({ length: 60 }, () => ({ type: 'A' as const, name: 'a', ttl: 1, data: '10.0.0.1' })),
  }).bytes;

  it('passes what fits, by the size that the client says', () => {
    const query = readSampleQuery(queryPacket('a', { additionals: [opt(4096)] }));
    expect(fitForUdp(query, long)).toBe(long);
  });

  it("cuts the rest down to the question, with TC and the client's EDNS", () => {
    const plain = fitForUdp(readSampleQuery(queryPacket('a')), long);
    expect(plain.length).toBeLessThanOrEqual(512);
    expect(decode(plain)).toMatchObject({ id: 7, flag_tc: true, answers: [], questions: [{ name: 'a' }] });
    const edns = fitForUdp(readSampleQuery(queryPacket('a', { additionals: [opt(600)] })), long);
    expect(decode(edns)).toMatchObject({ flag_tc: true, additionals: [{ type: 'OPT' }] });
  });
});

describe('readAnswer', () => {
  it('refuses queries, and records that run past the end', () => {
    expect(readAnswer(queryPacket('a'))).toBeUndefined();
    const whole = encode({ type: 'response', answers: [{ type: 'A', name: 'a', ttl: 1, data: '10.0.0.1' }] });
    expect(readAnswer(whole)).toBeDefined();
    for (let length = 0; length < whole.length; length += 1) {
      expect(readAnswer(whole.subarray(0, length))).toBeUndefined();
    }
  });

  it('does not follow pointers, so that a loop of them is no loop', () => {
    const looping = encode({
      type: 'response',
      answers: [{ type: 'A', name: '', ttl: 1, data: '10.0.0.1' }],
    });
    const bytes = Buffer.concat([looping.subarray(0, 12), Buffer.from([0xc0, 12]), looping.subarray(13)]);
    expect(readAnswer(bytes)?.ttlOffsets).toEqual([18]);
  });
});

describe('an answer for another client', () => {
  it('has its id and its spelling, and leaves the original alone', () => {
    const answer = readSampleAnswer({ id: 1, questions: [{ type: 'A', name: 'db.example' }] });
    const query = readSampleQuery(queryPacket('DB.example'));
    expect(decode(addressedTo(query, answer.bytes))).toMatchObject({
      id: 7,
      questions: [{ name: 'DB.example' }],
    });
    expect(answer.id).toBe(answer.bytes.readUInt16BE(0));
  });

  it('isSameQuestion: the type counts, the case of a name does not', () => {
    const question = (name: string, type: 'A' | 'AAAA') =>
      readSampleQuery(queryPacket(name, { questions: [{ name, type }] })).question;
    expect(isSameQuestion(question('a.B', 'A'), question('A.b', 'A'))).toBe(true);
    expect(isSameQuestion(question('a', 'A'), question('a', 'AAAA'))).toBe(false);
    expect(isSameQuestion(question('a', 'A'), question('b', 'A'))).toBe(false);
  });

  it('errorAnswer repeats the question and says SERVFAIL', () => {
    const query = readSampleQuery(queryPacket('a'));
    expect(decode(errorAnswer(query, 2))).toMatchObject({
      id: 7,
      rcode: 'SERVFAIL',
      questions: [{ name: 'a' }],
    });
  });
});
