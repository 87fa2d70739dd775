/**
 * The root process. It holds redirect rules for one client, and nothing else.
 *
 *     stdin   requests (protocol.ts)         its end means: undo everything and exit
 *     stdout  replies
 *     stderr  one JSON object a line, for the client's log
 *
 * It ends when its client does, whatever happens: a process that is killed closes its end of stdin. SIGTERM does the
 * same. All other signals are for the client to judge: they reach both when the user presses Ctrl-C or closes the terminal, and
 * rules must stay until the client has ended its flows. Whatever else it has of its caller it lets go of first (inheritance.ts).
 */
import { messageOf } from '../../core/errors.ts';
import { withSourcePositions } from '../../core/source-positions.ts';
import { GrammarError } from '../../net/messages/field-reader.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';
import {
  type HelperLogLine,
  MAX_REASON_CHARACTERS,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  type Reply,
  type Request,
} from '../protocol/protocol.ts';
import { decodeRequest } from './decode-request.ts';
import { letGoOfInheritance } from './inheritance.ts';
import { HelperSession } from './session.ts';

const EXIT_DONE = 0;
const EXIT_PROTOCOL = 70;
const EXIT_RULES_LEFT = 71;
const EXIT_REFUSED = 77;

/** Undoing may have to wait for another program's xtables lock; then it is better to end than to hang. */
const UNDO_TIMEOUT_MS = 45_000;

/** The request that is being served. Requests come one at a time, so nothing queues. */
let serving: Promise<void> | undefined;
let finishing = false;

const session = new HelperSession({
  onLost: (reason) => {
    if (finishing) return;
    log('error', `the rules are gone: ${reason}`);
    finish(EXIT_RULES_LEFT);
  },
  onRules: ({ state, what }) => {
    if (!finishing) reply({ type: 'rules', state, what: what.slice(0, MAX_REASON_CHARACTERS) });
  },
});

function log(level: HelperLogLine['level'], message: string): void {
  const line: HelperLogLine = { level, message: message.slice(0, MAX_REASON_CHARACTERS) };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

function reply(message: Reply): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function receive(line: string): void {
  if (finishing) return;
  if (serving !== undefined) throw new GrammarError('a request came before the last was answered');
  const request = decodeRequest(line);
  serving = serve(request).finally(() => {
    serving = undefined;
  });
}

async function serve(request: Request): Promise<void> {
  try {
    reply(await session.serve(request));
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  const kind = error instanceof GrammarError ? 'protocol error' : 'internal error';
  log('error', `${kind}: ${messageOf(error)}`);
  if (!(error instanceof GrammarError) && error instanceof Error)
    log('warn', withSourcePositions(error.stack ?? ''));
  finish(EXIT_PROTOCOL);
}

/** Undoes everything, after the request that is being served, and exits. Only the first call counts. */
function finish(status: number): void {
  if (finishing) return;
  finishing = true;
  process.stdin.pause();
  setTimeout(() => process.exit(EXIT_RULES_LEFT), UNDO_TIMEOUT_MS);
  void undo(status);
}

async function undo(status: number): Promise<void> {
  try {
    await serving;
    await session.end();
    process.exit(status);
  } catch (error) {
    log('error', `rules are left behind: ${messageOf(error)}`);
    process.exit(EXIT_RULES_LEFT);
  }
}

const splitter = new LineSplitter(MAX_REQUEST_BYTES, receive);
const refusal = letGoOfInheritance();
process.on('SIGTERM', () => finish(EXIT_DONE));
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.stdout.on('error', () => finish(EXIT_DONE));
process.stderr.on('error', () => {}); // its reader is gone; stdin says so too
process.stdin.on('error', () => finish(EXIT_DONE));
process.stdin.on('end', () => finish(EXIT_DONE));
process.stdin.on('data', (chunk: Buffer) => {
  try {
    splitter.push(chunk);
  } catch (error) {
    fail(error);
  }
});
if (refusal === undefined) reply({ type: 'hello', version: PROTOCOL_VERSION, pid: process.pid });
else {
  log('error', refusal);
  finish(EXIT_REFUSED);
}
