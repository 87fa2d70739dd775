import { decode, type Answer as Record } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { AnswerCache, keepSeconds } from '../../../../src/dns/resolver/answer-cache.ts';
import { readSampleAnswer } from '../message/sample-messages.ts';

const questions = [{ type: 'A' as const, name: 'a' }];
const address = (ttl: number): Record => ({ type: 'A', name: 'a', ttl, data: '10.0.0.1' });
const soa = (ttl: number, minimum: number): Record => ({
  type: 'SOA',
  name: 'a',
  ttl,
  data: { mname: 'm', rname: 'r', serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});
const NXDOMAIN = 3;

describe('keepSeconds', () => {
  it.each([
    ['the least of the records', { answers: [address(60), address(30)] }, 30],
    ['not what may not be kept', { answers: [address(60), address(0)] }, 0],
    ['none for a TTL that is negative', { answers: [address(0x8000_0001)] }, 0],
    ['a day at most', { answers: [address(1_000_000)] }, 86_400],
    ['no error of the resolver', { flags: 2, authorities: [soa(60, 60)] }, 0],
    ['nothing that was cut', { flags: 0x0200, answers: [address(60)] }, 0],
    [
      'the minimum of the zone, for a name that is not there',
      { flags: NXDOMAIN, authorities: [soa(300, 20)] },
      20,
    ],
    ['the TTL of the SOA record, for no record of the type', { authorities: [soa(10, 20)] }, 10],
    ['not without an SOA record', { flags: NXDOMAIN }, 0],
    [
      'three hours at most for what is not there',
      { flags: NXDOMAIN, authorities: [soa(99_999, 99_999)] },
      10_800,
    ],
    [
      'an alias that leads to nothing as long as the nothing',
      { answers: [address(60)], authorities: [soa(9, 9)] },
      9,
    ],
  ])('keeps %s', (_what, packet, seconds) => {
    expect(keepSeconds(readSampleAnswer({ questions, ...packet }))).toBe(seconds);
  });
});

describe('AnswerCache', () => {
  it('gives an answer with the seconds that are left, until none are', () => {
    let nowMs = 0;
    const cache = new AnswerCache({ entries: 9, bytes: 9_999 }, () => nowMs);
    cache.store('key', readSampleAnswer({ questions, answers: [address(60), address(90)] }));
    nowMs = 20_500;
    expect(decode(cache.find('key')!).answers).toMatchObject([{ ttl: 40 }, { ttl: 70 }]);
    nowMs = 59_999;
    expect(decode(cache.find('key')!).answers).toMatchObject([{ ttl: 1 }, { ttl: 31 }]);
    nowMs = 60_000;
    expect(cache.find('key')).toBeUndefined();
  });

  it('forgets what was not asked for longest when there are too many', () => {
    const cache = new AnswerCache({ entries: 2, bytes: 9_999 }, () => 0);
    const answer = readSampleAnswer({ questions, answers: [address(60)] });
    cache.store('a', answer);
    cache.store('b', answer);
    cache.find('a');
    cache.store('c', answer);
    expect(['a', 'b', 'c'].filter((key) => cache.find(key) !== undefined)).toEqual(['a', 'c']);
  });

  it('holds no more bytes than it may, also when an answer is replaced', () => {
    const answer = readSampleAnswer({ questions, answers: [address(60)] });
    const cache = new AnswerCache({ entries: 99, bytes: answer.bytes.length * 2 }, () => 0);
    for (let times = 0; times < 5; times += 1) cache.store('a', answer);
    for (const key of ['b', 'c']) cache.store(key, answer);
    expect(['a', 'b', 'c'].filter((key) => cache.find(key) !== undefined)).toEqual(['b', 'c']);
  });
});
