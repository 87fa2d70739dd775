import { decode, type Packet } from 'dns-packet';
import type { Logger } from '../../core/log.ts';
import { RCODE, RCODES } from '../message/layout.ts';
import type { Query } from '../message/message.ts';

/** Of more than so many answers in a second the rest is counted: a machine that asks in a loop does not fill a log. */
const MOST_A_SECOND = 50;
const WINDOW_MS = 1_000;

/** How many records a sentence names. */
const MOST_NAMED = 4;

/** Tells of each query that is answered here what it got, and after how long. */
export class AnswerLog {
  readonly #logger: Logger;
  #windowStartedAtMs = Number.NEGATIVE_INFINITY;
  #told = 0;
  #untold = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Call when a query comes in. @param answer never rejects */
  readonly follow = (query: Query, answer: Promise<Buffer>): void => {
    const startedAtMs = performance.now();
    void answer.then((bytes) => {
      const nowMs = performance.now();
      if (this.#hasRoom(nowMs)) this.#tell(query, bytes, Math.round(nowMs - startedAtMs));
    });
  };

  #hasRoom(nowMs: number): boolean {
    if (nowMs - this.#windowStartedAtMs >= WINDOW_MS) {
      if (this.#untold > 0)
        this.#logger.info(`${this.#untold} more DNS queries were answered within a second`, {
          queries: this.#untold,
        });
      this.#windowStartedAtMs = nowMs;
      this.#told = 0;
      this.#untold = 0;
    }
    if (this.#told === MOST_A_SECOND) {
      this.#untold += 1;
      return false;
    }
    this.#told += 1;
    return true;
  }

  #tell({ name, type }: Query, bytes: Buffer, durationMs: number): void {
    const { rcode, answers } = read(bytes);
    const what = describe(rcode, answers);
    this.#logger.info(`${name} ${type}: ${what}, after ${durationMs} ms`, {
      query: name,
      type,
      answer: what,
      durationMs,
    });
  }
}

/** What an answer has: its records of the last name as text, and of a chain of CNAMEs no step. */
function read(bytes: Buffer): { readonly rcode: number; readonly answers: readonly string[] } {
  const rcode = bytes.readUInt16BE(2) & RCODE;
  let packet: Packet;
  try {
    packet = decode(bytes);
  } catch {
    return { rcode, answers: [] };
  }
  const records = (packet.answers ?? []).filter(({ type }) => type !== 'CNAME' && type !== 'RRSIG');
  return { rcode, answers: records.map(textOf) };
}

function textOf(record: NonNullable<Packet['answers']>[number]): string {
  return (record.type === 'A' || record.type === 'AAAA' || record.type === 'PTR') &&
    typeof record.data === 'string'
    ? record.data
    : `a record of ${record.type}`;
}

function describe(rcode: number, answers: readonly string[]): string {
  if (rcode === RCODES.nameError) return 'no such name';
  if (rcode === RCODES.serverFailure) return 'no answer (SERVFAIL)';
  if (rcode !== 0) return `refused with code ${rcode}`;
  if (answers.length === 0) return 'the name has no such record';
  const rest = answers.length - MOST_NAMED;
  const named = answers.slice(0, MOST_NAMED).join(', ');
  return rest > 0 ? `${named} and ${rest} more` : named;
}
