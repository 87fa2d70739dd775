import { messageOf } from '../../core/errors.ts';
import { withSourcePositions } from '../../core/source-positions.ts';
import { GrammarError } from '../../net/messages/field-reader.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';
import {
  MAX_REASON_CHARACTERS,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  type Reply,
  type Request,
} from '../protocol/protocol.ts';
import { decodeRequest } from './decode-request.ts';
import { log } from './helper-log.ts';
import { letGoOfInheritance } from './inheritance.ts';
import { HelperSession, REAL_ACTIONS, type SessionActions, type SessionEnd } from './session.ts';

const EXIT_DONE = 0;
const EXIT_PROTOCOL = 70;
const EXIT_RULES_LEFT = 71;
const EXIT_REFUSED = 77;

/** Undoing may have to wait for another program's xtables lock; then it is better to end than to hang. */
const UNDO_TIMEOUT_MS = 45_000;

/**
 * Is the root process, from its start to its end: serves what comes by standard input, and undoes everything when that ends.
 *
 * @param actions what it does to the machine; a test's own program puts others here
 */
export function serveClient(actions: SessionActions = REAL_ACTIONS): void {
  const client = new ServedClient(actions);
  const splitter = new LineSplitter(MAX_REQUEST_BYTES, (line) => client.receive(line));
  const refusal = letGoOfInheritance();
  process.on('SIGTERM', () => client.finish(EXIT_DONE));
  process.on('uncaughtException', (error) => client.fail(error));
  process.on('unhandledRejection', (error) => client.fail(error));
  process.stdout.on('error', () => client.finish(EXIT_DONE, 'client ended'));
  process.stderr.on('error', () => {}); // its reader is gone; stdin says so too
  process.stdin.on('error', () => client.finish(EXIT_DONE, 'client ended'));
  process.stdin.on('end', () => client.finish(EXIT_DONE, 'client ended'));
  process.stdin.on('data', (chunk: Buffer) => {
    try {
      splitter.push(chunk);
    } catch (error) {
      client.fail(error);
    }
  });
  if (refusal === undefined) reply({ type: 'hello', version: PROTOCOL_VERSION, pid: process.pid });
  else {
    log('error', refusal);
    client.finish(EXIT_REFUSED);
  }
}

class ServedClient {
  readonly #session: HelperSession;
  /** The request that is being served. Requests come one at a time, so nothing queues. */
  #serving: Promise<void> | undefined;
  #isFinishing = false;

  constructor(actions: SessionActions) {
    this.#session = new HelperSession(
      {
        onLost: (reason) => {
          if (this.#isFinishing) return;
          log('error', `the rules are gone: ${reason}`);
          this.finish(EXIT_RULES_LEFT);
        },
        onRules: ({ state, what }) => {
          if (!this.#isFinishing) reply({ type: 'rules', state, what: what.slice(0, MAX_REASON_CHARACTERS) });
        },
      },
      actions,
    );
  }

  /** @throws GrammarError for what is not a request, or comes too early */
  receive(line: string): void {
    if (this.#isFinishing) return;
    if (this.#serving !== undefined) throw new GrammarError('a request came before the last was answered');
    const request = decodeRequest(line);
    this.#serving = this.#serve(request).finally(() => {
      this.#serving = undefined;
    });
  }

  fail(error: unknown): void {
    const kind = error instanceof GrammarError ? 'protocol error' : 'internal error';
    log('error', `${kind}: ${messageOf(error)}`);
    if (!(error instanceof GrammarError) && error instanceof Error)
      log('warn', withSourcePositions(error.stack ?? ''));
    this.finish(EXIT_PROTOCOL);
  }

  /** Undoes everything, after the request that is being served, and exits. Only the first call counts. */
  finish(status: number, why: SessionEnd = 'helper ends'): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    process.stdin.pause();
    setTimeout(() => process.exit(EXIT_RULES_LEFT), UNDO_TIMEOUT_MS);
    void this.#undo(status, why);
  }

  async #serve(request: Request): Promise<void> {
    try {
      reply(await this.#session.serve(request));
    } catch (error) {
      this.fail(error);
    }
  }

  async #undo(status: number, why: SessionEnd): Promise<void> {
    try {
      await this.#serving;
      await this.#session.end(why);
      process.exit(status);
    } catch (error) {
      log('error', `rules are left behind: ${messageOf(error)}`);
      process.exit(EXIT_RULES_LEFT);
    }
  }
}

function reply(message: Reply): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
