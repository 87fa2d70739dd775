import { describe, expect, test } from 'vitest';
import { encodeString, encodeUint32 } from '../../../../src/ssh/keys/wire.ts';
import {
  encodeAliveCheck,
  encodeHello,
  encodeStdioForward,
  MuxMessageReader,
} from '../../../../src/ssh/openssh/mux-protocol.ts';

const message = (...fields: Array<number | string>): Buffer =>
  encodeString(
    Buffer.concat(
      fields.map((field) => (typeof field === 'number' ? encodeUint32(field) : encodeString(field))),
    ),
  );

describe('what is asked of a master', () => {
  test.each([
    ['hello', encodeHello(), '000000080000000100000004'],
    ['alive check', encodeAliveCheck(7), '000000081000000400000007'],
    [
      'stdio forward',
      encodeStdioForward(1, { host: 'db', port: 5432 }),
      '00000016100000080000000100000000000000026462' + '00001538',
    ],
  ])('%s', (_what, encoded, expected) => {
    expect(encoded.toString('hex')).toBe(expected);
  });
});

describe('what a master says', () => {
  const all = Buffer.concat([
    message(1, 4, 'extension', 'value'),
    message(0x8000_0005, 7, 4242),
    message(0x8000_0006, 1, 3),
    message(0x8000_0003, 1, 'Session open refused by peer'),
    message(0x8000_0002, 1, 'Permission denied'),
    message(0x8000_0004, 3, 0),
  ]);
  const expected = [
    { kind: 'hello', version: 4 },
    { kind: 'alive', requestId: 7, pid: 4242 },
    { kind: 'opened', requestId: 1 },
    { kind: 'failure', requestId: 1, reason: 'Session open refused by peer' },
    { kind: 'permission-denied', requestId: 1, reason: 'Permission denied' },
    { kind: 'other', type: 0x8000_0004 },
  ];

  test('is the same however it is cut', () => {
    expect(new MuxMessageReader().receive(all)).toEqual(expected);
    const reader = new MuxMessageReader();
    expect([...all].flatMap((byte) => reader.receive(Buffer.of(byte)))).toEqual(expected);
  });

  test.each([
    ['too long', Buffer.from('7fffffff', 'hex')],
    ['cut short', message(0x8000_0005, 7)],
    ['empty', Buffer.alloc(4)],
  ])('%s is refused', (_what, bytes) => {
    expect(() => new MuxMessageReader().receive(bytes)).toThrow('ssh master');
  });
});
