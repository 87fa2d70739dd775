import { encode, type Packet, type Answer as Record } from 'dns-packet';
import { type Answer, readAnswer } from '../../../../src/dns/message/answer.ts';
import { type Query, readQuery } from '../../../../src/dns/message/message.ts';

/** A query of a client as it arrives. */
export function queryPacket(name: string, more: Partial<Packet> = {}): Buffer {
  return encode({ type: 'query', id: 7, flags: 0x0100, questions: [{ type: 'A', name }], ...more });
}

/** The EDNS record of a client. */
export function opt(udpPayloadSize: number, more: { ednsVersion?: number; flags?: number } = {}): Record {
  const { ednsVersion = 0, flags = 0 } = more;
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode: 0,
    ednsVersion,
    flags,
    flag_do: false,
    options: [],
  };
}

/** A query that must be well-formed. */
export function readSampleQuery(packet: Buffer): Query {
  const received = readQuery(packet);
  if (received.kind !== 'query') throw new Error(`not a query: ${received.kind}`);
  return received.query;
}

/** An answer that must be well-formed. */
export function readSampleAnswer(packet: Packet): Answer {
  const answer = readAnswer(encode({ type: 'response', ...packet }));
  if (answer === undefined) throw new Error('not an answer');
  return answer;
}
