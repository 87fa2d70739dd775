import { type Answer, decode, encode } from 'dns-packet';
import { expect, test } from 'vitest';
import { mapAnswer } from '../../../../src/dns/message/map-answer.ts';

const AD = 0x20;
const toLocal = (address: string): string | undefined =>
  address.startsWith('10.1.')
    ? address.replace('10.1.', '10.201.')
    : address === 'fd00::1'
      ? 'fd01::1'
      : undefined;

const answer = (...answers: Answer[]): Buffer =>
  encode({
    type: 'response',
    id: 7,
    flags: AD,
    questions: [{ type: 'A', name: 'db.example' }],
    answers,
    additionals: [
      { type: 'A', name: 'ns.example', data: '10.1.0.53' },
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1_232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });

test('addresses of a mapped network are those of this side, in every section, and nobody vouches for them', () => {
  const bytes = answer(
    { type: 'CNAME', name: 'db.example', data: 'db1.example' },
    { type: 'A', name: 'db1.example', ttl: 60, data: '10.1.2.3' },
    { type: 'A', name: 'db1.example', ttl: 60, data: '10.9.2.3' },
    { type: 'AAAA', name: 'db1.example', ttl: 60, data: 'fd00::1' },
    // Its data are no address, though they have the length of one.
    { type: 'TXT', name: 'db1.example', ttl: 60, data: ['\n\u0001\u0002'] },
  );
  const before = Buffer.from(bytes);
  const mapped = mapAnswer(bytes, toLocal);
  expect(decode(mapped)).toMatchObject({
    id: 7,
    flag_ad: false,
    answers: [
      { data: 'db1.example' },
      { data: '10.201.2.3', ttl: 60 },
      { data: '10.9.2.3' },
      { data: 'fd01::1' },
      { type: 'TXT' },
    ],
    additionals: [{ data: '10.201.0.53' }, { type: 'OPT' }],
  });
  // It may be kept for others.
  expect(bytes.equals(before)).toBe(true);
});

test('what has no such address, or cannot be read, stays as it is', () => {
  const other = encode({
    type: 'response',
    flags: AD,
    answers: [{ type: 'A', name: 'a', data: '192.0.2.1' }],
  });
  expect(mapAnswer(other, toLocal)).toBe(other);
  const bytes = answer({ type: 'A', name: 'db.example', data: '10.1.2.3' });
  for (let length = 0; length < bytes.length; length += 1) {
    const cut = bytes.subarray(0, length);
    expect(mapAnswer(cut, toLocal)).toBe(cut);
  }
});
