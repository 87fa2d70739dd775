import { describe, expect, it } from 'vitest';
import {
  type RulesetDeletion,
  readMessages,
} from '../../../../../src/net/native/netlink/ruleset-messages.ts';

/** A netlink attribute, and a message of nftables with some. */
function attribute(type: number, value: Buffer): Buffer {
  const whole = Buffer.alloc((4 + value.length + 3) & ~3);
  whole.writeUInt16LE(4 + value.length, 0);
  whole.writeUInt16LE(type, 2);
  value.copy(whole, 4);
  return whole;
}

function message(type: number, family: number, ...attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([family, 0, 0, 0]), ...attributes]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  return Buffer.concat([header, body]);
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const NFTABLES = 10 << 8;
const messages = Buffer.concat([
  message(NFTABLES | 6, 2, attribute(1, text('nat')), attribute(2, text('NEW'))),
  message(
    NFTABLES | 8,
    2,
    attribute(1, text('nat')),
    attribute(2, text('OUTPUT')),
    attribute(3, Buffer.alloc(8)),
  ),
  message(NFTABLES | 5, 10, attribute(1, text('nat')), attribute(0x8004, text('x')), attribute(3, text('A'))),
  message(NFTABLES | 2, 1, attribute(1, text('tshuttle-1000-12300'))),
  message((1 << 8) | 2, 2, attribute(1, text('conntrack'))),
  message(NFTABLES | 15, 0, attribute(2, Buffer.from([0, 0, 1, 44])), attribute(3, text('a\u{1b}[31m'))),
]);

const OTHERS = Buffer.concat([
  message(NFTABLES | 8, 2, attribute(1, text('nat')), attribute(2, text('DOCKER'))),
  message(NFTABLES | 15, 0, attribute(2, Buffer.from([0, 0, 0, 1])), attribute(3, text('dockerd'))),
]);

function read(bytes: Buffer): RulesetDeletion[] {
  const deletions: RulesetDeletion[] = [];
  readMessages(bytes, deletions);
  return deletions;
}

describe('what the kernel says of its rules', () => {
  it('is read as what has gone, and who did it, in printable characters', () => {
    const changedBy = 'a?[31m (process 300)';
    const gone = [
      { family: 2, table: 'nat', chain: 'OUTPUT', changedBy },
      { family: 10, table: 'nat', chain: 'A', changedBy },
      { family: 1, table: 'tshuttle-1000-12300', chain: undefined, changedBy },
    ];
    expect(read(messages)).toEqual(gone);
    expect(read(Buffer.concat([messages, OTHERS]))).toEqual([
      ...gone,
      { family: 2, table: 'nat', chain: 'DOCKER', changedBy: 'dockerd (process 1)' },
    ]);
  });

  it('is read as far as it goes', () => {
    for (let length = 0; length < messages.length; length += 1) {
      expect(read(messages.subarray(0, length)).length).toBeLessThanOrEqual(3);
    }
    expect(read(Buffer.alloc(64))).toEqual([]);
  });
});
