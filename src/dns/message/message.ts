import { decode, encode, type Packet } from 'dns-packet';
import { addressBytes } from '../../net/address/literal.ts';
import {
  endOfQuestion,
  FLAG_RESPONSE,
  FLAG_TRUNCATED,
  foldCase,
  HEADER_BYTES,
  RCODE,
  RCODES,
  TYPE_OPT,
} from './layout.ts';

/**
 * Reads the DNS messages that clients and resolvers send, and makes those that we answer by ourselves.
 *
 * Queries are read by dns-packet. Answers are not decoded but passed on byte for byte, so that no record type can be lost
 * on the way; only their layout is read, which every record shares (RFC 1035 section 4.1.3). Nothing here throws.
 */

/** The longest message that fits behind the length of DNS over TCP (RFC 1035 section 4.2.2). */
const MAX_MESSAGE_BYTES = 65_535;

/** What every client takes by UDP (RFC 1035 section 2.3.4). */
const MIN_UDP_BYTES = 512;

const FLAG_RECURSION_DESIRED = 0x0100;
const FLAG_AUTHENTIC_DATA = 0x0020;
const FLAG_CHECKING_DISABLED = 0x0010;
const OPCODE = 0x7800;

const CLASS_INTERNET = 1;
const TYPE_A = 1;
const TYPE_AAAA = 28;

/** A query that can be asked of a resolver. */
export interface Query {
  readonly id: number;
  /** For people: without the last dot; labels that are not UTF-8 are mangled. */
  readonly name: string;
  readonly type: string;
  /** Whether it is about names of the internet and not, say, about the server's version (`CH`). */
  readonly isInternet: boolean;
  /** The question section as the client wrote it: name, type, class. */
  readonly question: Buffer;
  /** RD, AD and CD. */
  readonly flags: number;
  /** What the client said by EDNS; undefined when it does not speak it. */
  readonly edns: { readonly udpPayloadBytes: number; readonly dnssecOk: boolean } | undefined;
}

/** A packet of a client: a query, one that is answered at once, or one that must not be answered. */
export type ReceivedPacket =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'refused'; readonly answer: Buffer }
  /** No question but an update, say (its opcode): nothing that we do. */
  | { readonly kind: 'unsupported'; readonly answer: Buffer }
  /** Too short to have an id, or an answer itself: answering it could go on for ever. */
  | { readonly kind: 'ignored' };

/** Reads what a client sent. */
export function readQuery(packet: Buffer): ReceivedPacket {
  if (packet.length < HEADER_BYTES || packet.length > MAX_MESSAGE_BYTES) return { kind: 'ignored' };
  const header = packet.readUInt16BE(2);
  if ((header & FLAG_RESPONSE) !== 0) return { kind: 'ignored' };
  if ((header & OPCODE) !== 0)
    return { kind: 'unsupported', answer: headerAnswer(packet, RCODES.notImplemented) };
  const questionEnd = endOfQuestion(packet);
  if (questionEnd === undefined) return refused(packet, RCODES.formatError);
  let decoded: Packet;
  try {
    decoded = decode(packet);
  } catch {
    return refused(packet, RCODES.formatError);
  }
  const options = (decoded.additionals ?? []).filter((record) => record.type === 'OPT');
  const [asked] = decoded.questions ?? [];
  if (asked === undefined || options.length > 1) return refused(packet, RCODES.formatError);
  const [option] = options;
  const query: Query = {
    id: packet.readUInt16BE(0),
    name: asked.name,
    type: asked.type,
    isInternet: packet.readUInt16BE(questionEnd - 2) === CLASS_INTERNET,
    question: Buffer.from(packet.subarray(HEADER_BYTES, questionEnd)),
    flags: header & (FLAG_RECURSION_DESIRED | FLAG_AUTHENTIC_DATA | FLAG_CHECKING_DISABLED),
    edns:
      option === undefined
        ? undefined
        : {
            udpPayloadBytes: Math.max(option.udpPayloadSize, MIN_UDP_BYTES),
            dnssecOk: option.flag_do,
          },
  };
  if (option !== undefined && option.ednsVersion !== 0) {
    return { kind: 'refused', answer: errorAnswer(query, RCODES.badVersion) };
  }
  return { kind: 'query', query };
}

/** Answers a packet of which no more than the header can be relied on. */
function refused(packet: Buffer, rcode: number): ReceivedPacket {
  return { kind: 'refused', answer: headerAnswer(packet, rcode) };
}

function headerAnswer(packet: Buffer, rcode: number): Buffer {
  const answer = Buffer.alloc(HEADER_BYTES);
  answer.writeUInt16BE(packet.readUInt16BE(0), 0);
  const kept = packet.readUInt16BE(2) & (OPCODE | FLAG_RECURSION_DESIRED);
  answer.writeUInt16BE(FLAG_RESPONSE | kept | rcode, 2);
  return answer;
}

/**
 * Renders the query as we ask it. Its EDNS options stay behind: an OPT record is between neighbours (RFC 6891 section
 * 6.1.1), and a cookie would not fit the client that gets the cached answer.
 */
export function renderQuery(query: Query, id: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(query.flags, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  return Buffer.concat([header, query.question, renderOpt(query, 0)]);
}

/** The key of a query in the cache: two queries with one key have the same answer. */
export function cacheKey(query: Query): string {
  const edns = query.edns === undefined ? 'plain' : query.edns.dnssecOk ? 'dnssec' : 'edns';
  return `${edns} ${query.flags} ${foldCase(query.question).toString('latin1')}`;
}

/** Renders an answer without records. */
export function errorAnswer(query: Query, rcode: number): Buffer {
  return emptyAnswer(query, rcode, 0);
}

/** Renders the answer of these addresses, as far as they are of the kind that was asked for; without any, NODATA. */
export function addressAnswer(query: Query, addresses: readonly string[], ttlSeconds: number): Buffer {
  const records = addresses.flatMap((address) => {
    const type = address.includes(':') ? TYPE_AAAA : TYPE_A;
    const isAsked = query.type === 'ANY' || query.type === (type === TYPE_A ? 'A' : 'AAAA');
    return isAsked ? [renderRecord(type, ttlSeconds, addressBytes(address))] : [];
  });
  const answer = emptyAnswer(query, 0, 0);
  answer.writeUInt16BE(records.length, 6);
  const recordsAt = HEADER_BYTES + query.question.length;
  return Buffer.concat([answer.subarray(0, recordsAt), ...records, answer.subarray(recordsAt)]);
}

/** A record of the name in the question, to which its own name points back. */
function renderRecord(type: number, ttlSeconds: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(CLASS_INTERNET, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** The number of the type that a query asks for. */
export function typeCodeOf({ question }: Query): number {
  return question.readUInt16BE(question.length - 4);
}

/** Cuts an answer that is too long for UDP down to what makes the client come again by TCP (RFC 2181 section 9). */
export function fitForUdp(query: Query, answer: Buffer): Buffer {
  if (answer.length <= (query.edns?.udpPayloadBytes ?? MIN_UDP_BYTES)) return answer;
  return emptyAnswer(query, answer.readUInt16BE(2) & RCODE, FLAG_TRUNCATED);
}

function emptyAnswer(query: Query, rcode: number, flags: number): Buffer {
  const header = encode({
    type: 'response',
    id: query.id,
    flags: query.flags | flags | 0x0080 | (rcode & RCODE),
  });
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  return Buffer.concat([header, query.question, renderOpt(query, rcode >> 4)]);
}

/** `.`, OPT, the size that we take, the upper bits of the response code, version 0, DO (RFC 6891 section 6.1.2). */
function renderOpt(query: Query, extendedRcode: number): Buffer {
  if (query.edns === undefined) return Buffer.alloc(0);
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(TYPE_OPT, 1);
  opt.writeUInt16BE(MAX_UDP_PAYLOAD_BYTES, 3);
  opt.writeUInt8(extendedRcode, 5);
  opt.writeUInt16BE(query.edns.dnssecOk ? 0x8000 : 0, 7);
  return opt;
}

/** The UDP payload that we announce: it crosses every path unfragmented (dnsflagday.net/2020). */
const MAX_UDP_PAYLOAD_BYTES = 1_232;
