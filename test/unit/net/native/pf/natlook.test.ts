import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../../../../src/net/address/endpoint.ts';
import {
  type AcceptedConnection,
  askNatlook,
  decodeNatlook,
  encodeNatlook,
  findNatlookLayout,
  NATLOOK_LAYOUTS,
} from '../../../../../src/net/native/pf/natlook.ts';

/** Recorded from a FreeBSD 12.1 kernel; of IPv6 the answer, from which the question follows. */
const RECORDED = {
  4: {
    connection: {
      originator: { family: 4, address: '10.0.2.15', port: 13_960 },
      listener: { family: 4, address: '127.0.0.1', port: 12_300 },
    },
    question:
      '0a00020f000000000000000000000000 7f000001000000000000000000000000 00000000000000000000000000000000 00000000000000000000000000000000 3688300c00000000 02060200',
    answer:
      '0a00020f000000000000000000000000 7f000001000000000000000000000000 0a00020f000000000000000000000000 0a630001000000000000000000000000 3688300c36880050 02060200',
    destination: { family: 4, address: '10.99.0.1', port: 80 },
  },
  6: {
    connection: {
      originator: { family: 6, address: '2001:db8:1::15', port: 58_551 },
      listener: { family: 6, address: 'fd9b:1::1', port: 12_300 },
    },
    question:
      '20010db8000100000000000000000015 fd9b0001000000000000000000000001 00000000000000000000000000000000 00000000000000000000000000000000 e4b7300c00000000 1c060200',
    answer:
      '20010db8000100000000000000000015 fd9b0001000000000000000000000001 20010db8000100000000000000000015 20010db8009900000000000000000077 e4b7300ce4b701bb 1c060200',
    destination: { family: 6, address: '2001:db8:99::77', port: 443 },
  },
} as const satisfies Record<
  number,
  { connection: AcceptedConnection; question: string; answer: string; destination: Endpoint }
>;

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** A kernel that has one struct, and answers with one error number, or as recorded. */
function kernel(system: keyof typeof NATLOOK_LAYOUTS, errno: number, answer?: Buffer) {
  const { request } = NATLOOK_LAYOUTS[system];
  return {
    ioctl: (asked: number, struct: Buffer): number => {
      if (asked !== request) return 19;
      if (struct.readUInt16BE(NATLOOK_LAYOUTS[system].sourcePortAt) === 0) return 22;
      answer?.copy(struct);
      return errno;
    },
    close: () => {},
  };
}

describe('struct pfioc_natlook', () => {
  it.each([4, 6] as const)(
    'of FreeBSD, IPv%i: the bytes that a kernel was asked with and answered',
    (family) => {
      const { connection, question, answer, destination } = RECORDED[family];
      expect(encodeNatlook(NATLOOK_LAYOUTS.freebsd, connection).toString('hex')).toBe(
        bytesOf(question).toString('hex'),
      );
      expect(decodeNatlook(NATLOOK_LAYOUTS.freebsd, bytesOf(answer), family)).toEqual(destination);
    },
  );

  it('of each system: size, request and the places of its fields', () => {
    const { originator, listener } = RECORDED[4].connection;
    const ofFamily = (family: 4 | 6) =>
      Object.values(NATLOOK_LAYOUTS).map((layout) =>
        encodeNatlook(layout, family === 4 ? { originator, listener } : RECORDED[6].connection),
      );
    expect(Object.values(NATLOOK_LAYOUTS).map(({ request }) => request.toString(16))).toEqual([
      'c0544417',
      'c04c4417',
      'c0504417',
    ]);
    // macOS: ports in unions of 4 bytes, a byte for the variant. OpenBSD: two routing domains before the ports.
    expect(ofFamily(4).map((struct) => struct.subarray(64).toString('hex'))).toEqual([
      '36880000300c0000000000000000000002060002',
      '3688300c0000000002060200',
      '000000003688300c0000000002060200',
    ]);
    expect(ofFamily(6).map((struct) => struct.subarray(64).toString('hex'))).toEqual([
      'e4b70000300c000000000000000000001e060002',
      'e4b7300c000000001c060200',
      '00000000e4b7300c0000000018060200',
    ]);
  });

  it.each(['darwin', 'openbsd'] as const)('of %s: an answer by its layout, both families', (system) => {
    const layout = NATLOOK_LAYOUTS[system];
    for (const family of [4, 6] as const) {
      const { connection, answer, destination } = RECORDED[family];
      const struct = encodeNatlook(layout, connection);
      bytesOf(answer).copy(struct, 48, 48, 64);
      struct.writeUInt16BE(destination.port, system === 'darwin' ? 76 : 74);
      expect(decodeNatlook(layout, struct, family)).toEqual(destination);
    }
  });
});

describe('askNatlook', () => {
  const { connection, answer, destination } = RECORDED[4];
  const layout = NATLOOK_LAYOUTS.freebsd;

  it('gives the destination that the kernel has', () => {
    expect(askNatlook(kernel('freebsd', 0, bytesOf(answer)), layout, connection)).toEqual({
      kind: 'found',
      destination,
    });
  });

  it.each([
    [2, { kind: 'unknown' }],
    [7, { kind: 'ambiguous' }],
    [19, { kind: 'other system' }],
    [25, { kind: 'other system' }],
    [22, { kind: 'invalid' }],
    [1, { kind: 'refused', errno: 1 }],
  ])('takes the error number %i for %j, and no destination', (errno, result) => {
    expect(askNatlook(kernel('freebsd', errno, bytesOf(answer)), layout, connection)).toEqual(result);
  });

  it('does not believe an answer without a port', () => {
    const withoutPort = bytesOf(answer);
    withoutPort.writeUInt16BE(0, 70);
    expect(askNatlook(kernel('freebsd', 0, withoutPort), layout, connection)).toEqual({ kind: 'unknown' });
  });
});

describe('findNatlookLayout', () => {
  it.each(['darwin', 'freebsd', 'openbsd'] as const)(
    'tells the struct of %s by ENODEV for all others',
    (system) => {
      for (const expected of ['darwin', 'freebsd', 'openbsd'] as const)
        expect(findNatlookLayout(kernel(system, 2), expected)).toBe(NATLOOK_LAYOUTS[system]);
    },
  );

  it('finds none where the kernel answers no such question', () => {
    expect(findNatlookLayout({ ioctl: () => 25, close: () => {} }, 'freebsd')).toBeUndefined();
    expect(findNatlookLayout({ ioctl: () => 1, close: () => {} }, 'darwin')).toBeUndefined();
  });
});
