import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { messageOf, systemCodeOf } from '../../core/errors.ts';
import { connectSockets } from '../../net/sockets/socket-pair.ts';
import { passedOnHead } from './http-answer.ts';
import { refuse } from './http-refusal.ts';
import { type AbsoluteTarget, endToEndFields, withoutField } from './http-request.ts';

/** How long the parts of an exchange may take, and how much may come. */
export interface ExchangeBounds {
  /** From the end of a request to the end of its answer's head, in ms. */
  readonly answerHeadMs: number;
  /** Without a byte either way, in ms. */
  readonly quietMs: number;
  /** How long a destination may take to end after its answer, in ms. */
  readonly lingerMs: number;
  /** Of the head of an answer. */
  readonly headBytes: number;
  /** Answers before the answer (1xx). */
  readonly interimAnswers: number;
}

/** A request of a client, and where its answer goes. */
export interface ForwardedRequest {
  readonly target: AbsoluteTarget;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

/** RFC 9110 section 7.6.3. */
const VIA = 'tshuttle';

/**
 * Sends one request on over a connection of its own, and its answer back. Whatever the destination sends, the client gets an
 * answer, ours if there is no other, or the end of its connection, within the bounds. Nothing throws, no event either.
 *
 *     waiting ──head of the answer──> answering ──end of its body──> over
 *        ├──no connection, no HTTP, a bound──> refused ────────────────┤
 *        └──the client goes────────────────────┴───────────────────────┘
 *
 * Answers before the answer (1xx) and trailers end here.
 */
export class HttpExchange {
  readonly #asked: ForwardedRequest;
  readonly #bounds: ExchangeBounds;
  readonly #onBadAnswer: (why: string) => void;
  /** Our end of the connection to the destination. */
  #near: Socket | undefined;
  #isWaiting = true;
  #interimAnswers = 0;
  #headTimer: NodeJS.Timeout | undefined;

  /** @param onBadAnswer called with what was wrong with the destination's answer, at most once */
  constructor(asked: ForwardedRequest, bounds: ExchangeBounds, onBadAnswer: (why: string) => void) {
    this.#asked = asked;
    this.#bounds = bounds;
    this.#onBadAnswer = onBadAnswer;
  }

  /**
   * Sends the request. Once.
   *
   * @param carry called with an accepted socket, which it owns from then on
   */
  start(carry: (accepted: Socket) => void): void {
    const { message, response } = this.#asked;
    response.on('error', () => {});
    // An answer that waits for those before it does not hear that the client is gone.
    for (const emitter of [response, message.socket]) emitter.once('close', this.#end);
    message.on('error', this.#end);
    this.#step(() => {
      const { near, far } = connectSockets();
      this.#near = near;
      near.setTimeout(this.#bounds.quietMs, this.#onQuiet);
      near.destroySoon = () => this.#endInOrder(near);
      const outgoing = this.#request(near);
      message.pipe(outgoing);
      carry(far);
      // Node keeps a head for the first bytes of its body, which may take long to come.
      setImmediate(() => outgoing.flushHeaders());
    });
  }

  /** There is no connection to the destination. */
  refuse(status: number, why: string): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    refuse(this.#asked.response, status, why);
    this.#near?.destroy();
  }

  #request(near: Socket): ClientRequest {
    const { target, message } = this.#asked;
    const outgoing = request({
      createConnection: () => near,
      method: message.method,
      path: target.path,
      headers: requestFields(target, message),
      maxHeaderSize: this.#bounds.headBytes,
    });
    // The head is bounded by its bytes. Where Node leaves fields out for their number, the message is another one.
    outgoing.maxHeadersCount = 0;
    outgoing.on('finish', () => this.#startHeadTimer());
    outgoing.on('information', () => {
      this.#interimAnswers += 1;
      if (this.#interimAnswers > this.#bounds.interimAnswers)
        this.#refuseAnswer(502, 'does not come, only others before it');
    });
    outgoing.on('upgrade', () => this.#refuseAnswer(502, 'changes to a protocol that nobody asked for'));
    outgoing.on('response', (answer) => this.#step(() => this.#answer(answer)));
    // An answer that has begun fails by itself, and one that is complete is not spoilt by what comes after it.
    outgoing.on('error', (error) => this.#refuseAnswer(502, whyNoAnswer(error)));
    outgoing.on('close', () => this.#refuseAnswer(502, 'does not come: the connection was closed'));
    return outgoing;
  }

  #answer(answer: IncomingMessage): void {
    const { response } = this.#asked;
    answer.on('error', () => response.destroy());
    if (!this.#isWaiting) return;
    const head = passedOnHead(answer);
    if (head.kind === 'invalid') {
      this.#refuseAnswer(502, head.why);
      return;
    }
    clearTimeout(this.#headTimer);
    response.writeHead(head.status, head.reason, head.fields);
    this.#isWaiting = false;
    answer.pipe(response);
    // As with the request.
    setImmediate(() => response.flushHeaders());
  }

  #startHeadTimer(): void {
    if (!this.#isWaiting) return;
    const { answerHeadMs } = this.#bounds;
    this.#headTimer = setTimeout(() => {
      this.#refuseAnswer(504, `does not come within ${answerHeadMs / 1_000} s`);
    }, answerHeadMs);
  }

  readonly #onQuiet = (): void => {
    if (this.#isWaiting)
      this.#refuseAnswer(504, `does not come: ${this.#bounds.quietMs / 1_000} s of silence`);
    else this.#asked.response.destroy();
  };

  /**
   * The answer is here as a whole, and perhaps not with the client yet. Node's client hangs up then, which would look like a reset
   * to the carrier of the flow.
   */
  #endInOrder(near: Socket): void {
    near.off('timeout', this.#onQuiet);
    near.end();
    near.resume();
    near.setTimeout(this.#bounds.lingerMs, () => near.resetAndDestroy());
  }

  #refuseAnswer(status: number, why: string): void {
    if (!this.#isWaiting) return;
    this.#onBadAnswer(why);
    this.refuse(status, `the destination's answer ${why}`);
  }

  /** What throws ends this exchange, and nothing else: no descriptors, a field that Node takes from others but not from us. */
  #step(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.#isWaiting) this.refuse(500, messageOf(error));
      else this.#asked.response.destroy();
    }
  }

  /** The client has its answer, or is gone. */
  readonly #end = (): void => {
    clearTimeout(this.#headTimer);
    const { message, response } = this.#asked;
    for (const emitter of [response, message.socket]) emitter.off('close', this.#end);
    this.#isWaiting = false;
    if (!response.writableFinished) this.#near?.destroy();
    // What is left of the request is in the way of the next one.
    message.unpipe();
    message.resume();
  };
}

function requestFields(
  { authority }: AbsoluteTarget,
  { rawHeaders, httpVersion }: IncomingMessage,
): string[] {
  const fields = withoutField(withoutField(endToEndFields(rawHeaders), 'host'), 'expect');
  return ['Host', authority, ...fields, 'Via', `${httpVersion} ${VIA}`, 'Connection', 'close'];
}

function whyNoAnswer(error: Error): string {
  const isNoHttp = systemCodeOf(error)?.startsWith('HPE_') === true;
  return isNoHttp ? `is no HTTP: ${error.message}` : 'does not come: the connection was reset';
}
