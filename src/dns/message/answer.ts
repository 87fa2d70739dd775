import { decode } from 'dns-packet';
import {
  endOfName,
  endOfQuestion,
  FLAG_RESPONSE,
  FLAG_TRUNCATED,
  HEADER_BYTES,
  isSameQuestion,
  RCODE,
  RCODES,
  TYPE_OPT,
} from './layout.ts';
import type { Query } from './message.ts';

const TYPE_SOA = 6;

/** The layout of a resolver's answer. */
export interface Answer {
  readonly bytes: Buffer;
  readonly id: number;
  readonly isTruncated: boolean;
  /** The lower four bits. */
  readonly rcode: number;
  /** Undefined when the answer does not repeat the question. */
  readonly question: Buffer | undefined;
  readonly answerCount: number;
  /** Where the seconds that each record may be kept for stand; the OPT record has none. */
  readonly ttlOffsets: readonly number[];
  /** For how long it may be kept that there is no such thing (RFC 2308 section 5); undefined without an SOA record. */
  readonly negativeTtlSeconds: number | undefined;
}

/** Reads the layout of what a resolver sent; undefined when it is not a well-formed answer. */
export function readAnswer(bytes: Buffer): Answer | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const header = bytes.readUInt16BE(2);
  if ((header & FLAG_RESPONSE) === 0) return undefined;
  const hasQuestion = bytes.readUInt16BE(4) !== 0;
  const questionEnd = hasQuestion ? endOfQuestion(bytes) : HEADER_BYTES;
  if (questionEnd === undefined) return undefined;
  const [answerCount, authorityCount] = [bytes.readUInt16BE(6), bytes.readUInt16BE(8)];
  const recordCount = answerCount + authorityCount + bytes.readUInt16BE(10);
  const ttlOffsets: number[] = [];
  let negativeTtlSeconds: number | undefined;
  let offset = questionEnd;
  for (let index = 0; index < recordCount; index += 1) {
    const nameEnd = endOfName(bytes, offset);
    if (nameEnd === undefined || nameEnd + 10 > bytes.length) return undefined;
    const end = nameEnd + 10 + bytes.readUInt16BE(nameEnd + 8);
    if (end > bytes.length) return undefined;
    const type = bytes.readUInt16BE(nameEnd);
    if (type !== TYPE_OPT) ttlOffsets.push(nameEnd + 4);
    const isAuthority = index >= answerCount && index < answerCount + authorityCount;
    // Two names of at least one byte, and five numbers, of which the last is the minimum.
    if (type === TYPE_SOA && isAuthority && end - nameEnd - 10 >= 22) {
      negativeTtlSeconds = Math.min(readTtl(bytes, nameEnd + 4), readTtl(bytes, end - 4));
    }
    offset = end;
  }
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    isTruncated: (header & FLAG_TRUNCATED) !== 0,
    rcode: header & RCODE,
    question: hasQuestion ? bytes.subarray(HEADER_BYTES, questionEnd) : undefined,
    answerCount,
    ttlOffsets,
    negativeTtlSeconds,
  };
}

/** A TTL whose highest bit is set counts as none (RFC 2181 section 8). */
export function readTtl(bytes: Buffer, offset: number): number {
  const seconds = bytes.readUInt32BE(offset);
  return seconds > 0x7fff_ffff ? 0 : seconds;
}

/** A copy of an answer for another query of the same question: its id, its spelling of the name. */
export function addressedTo(query: Query, answer: Buffer): Buffer {
  const copy = Buffer.from(answer);
  copy.writeUInt16BE(query.id, 0);
  if (copy.readUInt16BE(4) !== 0) query.question.copy(copy, HEADER_BYTES);
  return copy;
}

/**
 * Whether a packet can be the answer to another: ids and questions are the same. A resolver that could not read the query,
 * or does not know its kind, may leave the question out.
 */
export function isAnswerTo(answer: Buffer, query: Buffer): boolean {
  if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((answer.readUInt16BE(2) & FLAG_RESPONSE) === 0) return false;
  if (answer.readUInt16BE(4) === 0 && query.readUInt16BE(4) !== 0) {
    const rcode = answer.readUInt16BE(2) & RCODE;
    return rcode === RCODES.formatError || rcode === RCODES.notImplemented;
  }
  const [asked, repeated] = [questionOf(query), questionOf(answer)];
  // Without a question that we can read, it is something else, an update for example.
  return asked === undefined || (repeated !== undefined && isSameQuestion(asked, repeated));
}

function questionOf(packet: Buffer): Buffer | undefined {
  const end = endOfQuestion(packet);
  return end === undefined ? undefined : packet.subarray(HEADER_BYTES, end);
}

/** The addresses in a resolver's answer; none when it cannot be read. */
export function addressesIn(answer: Buffer): readonly string[] {
  try {
    return (decode(answer).answers ?? []).flatMap((record) =>
      record.type === 'A' || record.type === 'AAAA' ? [record.data] : [],
    );
  } catch {
    return [];
  }
}
