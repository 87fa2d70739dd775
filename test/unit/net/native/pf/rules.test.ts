import { describe, expect, it } from 'vitest';
import {
  addAnchorCall,
  beginPfChange,
  countPfRules,
  PF_RULE_LAYOUTS,
  removeMainRule,
} from '../../../../../src/net/native/pf/rules.ts';

const LAYOUT = PF_RULE_LAYOUTS.freebsd;

/** Keeps what it is asked, and answers by the request. */
function device(answers: Readonly<Record<number, (struct: Buffer) => number>>) {
  const asked: { request: string; struct: Buffer }[] = [];
  const ioctl = (request: number, struct: Buffer): number => {
    asked.push({ request: request.toString(16), struct: Buffer.from(struct) });
    return answers[request]?.(struct) ?? 19;
  };
  return { asked, device: { ioctl, close: () => {} } };
}

const CHANGE_RULE = 0xcbe0441a;
const BEGIN_ADDRESSES = 0xc4704433;
const GET_RULES = 0xcbe04406;

describe("the call of an anchor in FreeBSD's main ruleset", () => {
  it('is added with the ticket of the list and the ticket of a pool, as recorded', () => {
    const { asked, device: pf } = device({
      [CHANGE_RULE]: (struct) => {
        if (struct.readUInt32LE(0) === 6) struct.writeUInt32LE(77, 4);
        return 0;
      },
      [BEGIN_ADDRESSES]: (struct) => {
        struct.writeUInt32LE(5, 4);
        return 0;
      },
    });
    const begun = beginPfChange(pf, LAYOUT, 'rdr-anchor');
    expect(begun).toEqual({ ticket: 77 });
    expect(addAnchorCall(pf, LAYOUT, 'rdr-anchor', { ticket: 77, anchor: 'tshuttle/1000-12300' })).toEqual({
      kind: 'done',
    });
    expect(asked.map(({ request, struct }) => [request, struct.length])).toEqual([
      ['cbe0441a', 3_040],
      ['c4704433', 1_136],
      ['cbe0441a', 3_040],
    ]);
    const { struct } = asked.at(-1)!;
    expect([0, 4, 8, 2_968].map((at) => struct.readUInt32LE(at))).toEqual([1, 77, 5, 8]);
    expect(
      struct.subarray(16, 1_040).every((byte) => byte === 0),
      'the main ruleset',
    ).toBe(true);
    expect(struct.toString('latin1', 1_040, 1_060)).toBe('tshuttle/1000-12300\0');
    // Nothing else is set: an anchor is called for every packet.
    expect(struct.subarray(1_060, 2_968).every((byte) => byte === 0)).toBe(true);
    expect(struct.subarray(2_972).every((byte) => byte === 0)).toBe(true);
  });

  it('is removed by its number; somebody who was faster is no refusal', () => {
    for (const [errno, kind] of [
      [0, 'done'],
      [22, 'outdated'],
      [16, 'outdated'],
      [1, 'refused'],
      [19, 'refused'],
    ] as const) {
      const { asked, device: pf } = device({ [CHANGE_RULE]: () => errno });
      expect(removeMainRule(pf, LAYOUT, 'anchor', { ticket: 9, number: 3 })).toMatchObject({ kind });
      expect([0, 4, 12, 2_968].map((at) => asked[0]!.struct.readUInt32LE(at))).toEqual([5, 9, 3, 0]);
    }
  });
});

describe('countPfRules', () => {
  it('gives how many there are and the ticket, and tells no such anchor from another struct', () => {
    const { asked, device: pf } = device({
      [GET_RULES]: (struct) => {
        if (struct.toString('latin1', 16, 24) === 'nothing\0') return 22;
        struct.writeUInt32LE(4, 12);
        struct.writeUInt32LE(31, 4);
        return 0;
      },
    });
    expect(countPfRules(pf, LAYOUT, 'tshuttle/0-1', 'anchor')).toEqual({ count: 4, ticket: 31 });
    expect(asked[0]!.struct.toString('latin1', 16, 29)).toBe('tshuttle/0-1\0');
    expect(countPfRules(pf, LAYOUT, 'nothing', 'rdr-anchor')).toBeUndefined();
    expect(countPfRules(pf, PF_RULE_LAYOUTS.darwin, 'tshuttle/0-1', 'anchor')).toBe('refused');
  });
});
