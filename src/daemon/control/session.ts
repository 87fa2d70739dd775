import type { Socket } from 'node:net';
import { type Deferred, deferred } from '../../core/deferred.ts';
import { messageOf, TshuttleError } from '../../core/errors.ts';
import { GrammarError } from '../../net/messages/field-reader.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';
import type { ControlledTunnel, ControlTarget } from './control-target.ts';
import { decodeRequest } from './decode-request.ts';
import { CONTROL_VERSION, type ControlReply, type ControlRequest, MAX_REQUEST_BYTES } from './protocol.ts';

/** No more is read from a client that has so much to read itself, in bytes. */
const WRITE_LIMIT_BYTES = 65_536;

/** What a client is waiting for. */
interface Pending {
  readonly id: number;
  /** The question it is to answer, if there is one. */
  question: Deferred<string | undefined> | undefined;
}

/**
 * Answers one client until it goes away. What it says is checked field by field; whatever is wrong is answered by `failed`,
 * and only a line without end ends the connection.
 */
export class ControlSession {
  readonly #socket: Socket;
  readonly #target: ControlTarget;
  readonly #gone = new AbortController();
  #pending: Pending | undefined;
  /** Settles, and never rejects, when the latest request is answered. */
  #served: Promise<void> = Promise.resolve();

  constructor(socket: Socket, target: ControlTarget) {
    this.#socket = socket;
    this.#target = target;
    const lines = new LineSplitter(MAX_REQUEST_BYTES, (line) => this.#onLine(line));
    socket.on('data', (chunk: Buffer) => {
      try {
        lines.push(chunk);
      } catch (error) {
        this.#refuse(error);
        socket.destroySoon();
        return;
      }
      if (socket.writableLength > WRITE_LIMIT_BYTES) socket.pause();
    });
    socket.on('drain', () => socket.resume());
    socket.on('close', () => {
      this.#gone.abort(new Error('the client is gone'));
      this.#pending?.question?.resolve(undefined);
    });
    this.#send({ type: 'hello', protocol: CONTROL_VERSION, ...target.info });
  }

  #onLine(line: string): void {
    let request: ControlRequest;
    try {
      request = decodeRequest(line);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (request.type === 'answer') this.#answer(request);
    else if (this.#pending !== undefined) this.#fail(request.id, busy());
    else this.#served = this.#serve(request);
  }

  /** Resolves when what was asked is answered. */
  async answered(): Promise<void> {
    await this.#served;
  }

  #answer({ id, text }: Extract<ControlRequest, { type: 'answer' }>): void {
    const question = this.#pending?.id === id ? this.#pending.question : undefined;
    if (question === undefined) this.#fail(id, new TshuttleError('ERR_USAGE', 'there was no question'));
    else {
      this.#pending!.question = undefined;
      question.resolve(text ?? undefined);
    }
  }

  async #serve(request: Exclude<ControlRequest, { type: 'answer' }>): Promise<void> {
    const pending: Pending = { id: request.id, question: undefined };
    this.#pending = pending;
    try {
      this.#send(await this.#replyTo(request, pending));
    } catch (error) {
      this.#fail(request.id, error);
    } finally {
      this.#pending = undefined;
    }
  }

  async #replyTo(
    request: Exclude<ControlRequest, { type: 'answer' }>,
    pending: Pending,
  ): Promise<ControlReply> {
    const { id, type } = request;
    if (type === 'status') {
      return { type, id, tunnels: this.#target.tunnels.map((tunnel) => tunnel.report()) };
    }
    if (type === 'check') {
      await Promise.all(this.#target.tunnels.map((tunnel) => tunnel.checkCapture()));
      return { type: 'done', id };
    }
    const tunnel = this.#find(request.name);
    switch (type) {
      case 'flows':
        return { type, id, flows: tunnel.flows(request.limit) };
      case 'endings':
        return { type, id, endings: tunnel.endings(request.limit) };
      case 'reach': {
        const { host, port } = request;
        const place = host === null || port === null ? undefined : { host, port };
        await tunnel.reach(place, this.#gone.signal);
        return { type: 'done', id };
      }
      case 'down':
        await tunnel.down();
        return { type: 'done', id };
      case 'reload':
        return { type: 'reloaded', id, ...(await tunnel.reload()) };
      case 'login':
        await tunnel.login(
          {
            ask: (question, { echo }) => this.#ask(pending, question, echo),
            show: (text) => this.#send({ type: 'show', id, text }),
          },
          this.#gone.signal,
        );
        return { type: 'done', id };
    }
  }

  #find(name: string): ControlledTunnel {
    const tunnel = this.#target.tunnels.find((candidate) => candidate.name === name);
    if (tunnel === undefined) throw new TshuttleError('ERR_USAGE', `no tunnel ${name} is up here`);
    return tunnel;
  }

  #ask(pending: Pending, question: string, echo: boolean): Promise<string | undefined> {
    if (this.#gone.signal.aborted) return Promise.resolve(undefined);
    pending.question?.resolve(undefined);
    const answer = deferred<string | undefined>();
    pending.question = answer;
    this.#send({ type: 'question', id: pending.id, question, echo });
    return answer.promise;
  }

  /** For what is no request. The message never quotes what was said. */
  #refuse(error: unknown): void {
    if (!(error instanceof GrammarError)) throw error;
    this.#send({ type: 'failed', id: null, code: 'ERR_USAGE', message: error.message, remedy: null });
  }

  #fail(id: number, error: unknown): void {
    const expected = error instanceof TshuttleError ? error : undefined;
    this.#send({
      type: 'failed',
      id,
      code: expected?.code ?? 'ERR_INTERNAL',
      message: messageOf(error),
      remedy: expected?.remedy ?? null,
    });
  }

  #send(reply: ControlReply): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(reply)}\n`);
  }
}

function busy(): TshuttleError {
  return new TshuttleError('ERR_USAGE', 'the request before is not answered yet');
}
