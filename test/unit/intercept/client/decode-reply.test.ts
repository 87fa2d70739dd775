import { describe, expect, it } from 'vitest';
import { decodeLogLine, decodeReply } from '../../../../src/intercept/client/decode-reply.ts';
import { GrammarError } from '../../../../src/net/messages/field-reader.ts';

describe('decodeReply', () => {
  it.each([
    { type: 'hello', version: 1, pid: 77 },
    { type: 'done', id: 1 },
    { type: 'failed', id: 1, reason: 'Operation not permitted' },
    {
      type: 'started',
      id: 1,
      report: { removed: ['a'], kept: ['b'], failed: [], unread: [] },
      facts: [
        { kind: 'absent', candidate: 'libnftables', missing: 'libnftables.so.1' },
        { kind: 'refused', candidate: 'libnftables-unowned', reason: 'no' },
        { kind: 'usable', candidate: 'iptables', version: '1.8.9', families: [4] },
      ],
    },
    { type: 'stranded', id: 1, fates: ['told', 'ended', 'not ours'] },
    {
      type: 'looked-up',
      id: 1,
      results: [
        { kind: 'found', destination: { family: 6, address: '2001:db8::1', port: 443 } },
        { kind: 'unknown' },
        { kind: 'ambiguous' },
      ],
    },
    {
      type: 'looked',
      id: 1,
      facts: {
        ownRules: true,
        earlierNat: [],
        drops: [],
        ufw: false,
        wgQuick: [],
        notrack: [],
        inputDrops: ['ip filter INPUT'],
        packetFilter: {
          isEnabled: true,
          skipsLoopback: false,
          earlier: ['pass out quick all'],
          states: { current: 12, limit: 10_000 },
        },
      },
    },
    { type: 'cleaned', id: 1, report: { removed: ['a'], kept: [], failed: [], unread: [] } },
    { type: 'rules', state: 'lost', what: 'iptables (process 7) has removed redirect rules' },
  ])('takes $type as it is', (reply) => {
    expect(decodeReply(JSON.stringify(reply))).toEqual(reply);
  });

  it.each([
    '',
    '{}',
    '{"type":"done"}',
    '{"type":"done","id":1,"more":1}',
    '{"type":"started","id":1,"report":{"removed":[],"kept":[],"failed":[],"unread":[]},"facts":[{}]}',
    '{"type":"started","id":1,"facts":[]}',
    '{"type":"stranded","id":1,"fates":["killed"]}',
    '{"type":"looked-up","id":1,"results":[{"kind":"found"}]}',
    '{"type":"looked-up","id":1,"results":[{"kind":"unknown","destination":{"family":4,"address":"10.0.0.1","port":1}}]}',
    '{"type":"looked-up","id":1,"results":[{"kind":"found","destination":{"family":4,"address":"10.0.0.1; x","port":1}}]}',
    '{"type":"rules","state":"kept","what":""}',
    '{"type":"rules","id":1,"state":"back","what":""}',
  ])('refuses %s', (line) => {
    expect(() => decodeReply(line)).toThrow(GrammarError);
  });
});

describe('decodeLogLine', () => {
  it('tells the lines of the helper from those of sudo', () => {
    expect(decodeLogLine('{"level":"warn","message":"x"}')).toEqual({ level: 'warn', message: 'x' });
    expect(decodeLogLine('sudo: a password is required')).toBeUndefined();
    expect(decodeLogLine('{"level":"constructor","message":"x"}')).toBeUndefined();
  });
});
