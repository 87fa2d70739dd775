import { addressAnswer, type Query, readQuery } from '../message/message.ts';
import { type NameRules, routeName } from '../zone/name-routes.ts';

/** For how long clients may keep an address that the user has given. */
const STATIC_TTL_SECONDS = 60;

/** Answers for names of the bastion's side. Never rejects. */
export type AnswerFromZone = (query: Query, isInZone: boolean) => Promise<Buffer>;

/** Called for each query that is answered here; `answer` never rejects. */
export type OnQuery = (query: Query, answer: Promise<Buffer>) => void;

/** The decision about a packet that was sent to a nameserver. */
export type Handling =
  | { readonly kind: 'ignored' }
  /** It goes to the nameserver, byte for byte, and so does its answer to the client. */
  | { readonly kind: 'passed-on' }
  | { readonly kind: 'refused'; readonly answer: Buffer }
  | { readonly kind: 'answered'; readonly query: Query; readonly answer: Promise<Buffer> };

/** Decides over the packets of clients. */
export class QueryPolicy {
  readonly #rules: () => NameRules;
  readonly #answer: AnswerFromZone;
  readonly #onQuery: OnQuery;

  /** @param rules asked for each packet: they may change */
  constructor(rules: () => NameRules, answer: AnswerFromZone, onQuery: OnQuery = () => {}) {
    this.#rules = rules;
    this.#answer = answer;
    this.#onQuery = onQuery;
  }

  /** What is no question, or of another class than the internet's, is passed on unless all is the bastion's side. */
  handle(packet: Buffer): Handling {
    const received = readQuery(packet);
    switch (received.kind) {
      case 'ignored':
      case 'refused':
        return received;
      case 'unsupported':
        return this.#rules().everything
          ? { kind: 'refused', answer: received.answer }
          : { kind: 'passed-on' };
      case 'query':
        return this.#handleQuery(received.query);
    }
  }

  #handleQuery(query: Query): Handling {
    if (!query.isInternet && !this.#rules().everything) return { kind: 'passed-on' };
    const route = routeName(query.name, this.#rules());
    switch (route.kind) {
      case 'asked-resolver':
        return { kind: 'passed-on' };
      case 'static':
        return this.#answered(query, Promise.resolve(staticAnswer(query, route.addresses)));
      case 'bastion-side':
        return this.#answered(query, this.#answer(query, route.zone !== undefined));
    }
  }

  #answered(query: Query, answer: Promise<Buffer>): Handling {
    this.#onQuery(query, answer);
    return { kind: 'answered', query, answer };
  }
}

function staticAnswer(query: Query, addresses: readonly string[]): Buffer {
  return addressAnswer(query, addresses, STATIC_TTL_SECONDS);
}
