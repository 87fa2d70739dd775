import { rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type Deferred, deferred } from '../../core/deferred.ts';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { withoutControls } from '../../core/printable.ts';
import { LineSplitter } from '../../net/messages/line-splitter.ts';
import { peerCredentials, strangerAt } from '../../net/native/peer.ts';
import type { Person } from './control-target.ts';
import { meetServer } from './pipe-key.ts';
import { CONTROL_VERSION, type ControlReply, type ControlRequest, MAX_REPLY_BYTES } from './protocol.ts';
import { type ControlAddress, readAddress } from './socket-address.ts';
import { whySocketDistrusted } from './trusted-folder.ts';

/** How soon a daemon greets; one that is stopped (SIGSTOP) or stuck does not. */
const HELLO_TIMEOUT_MS = 5_000;

/** How often a daemon that has not answered yet is checked by a second connection: an answer may take as long as a login. */
const LIVENESS_CHECK_MS = 5_000;

type Hello = Extract<ControlReply, { type: 'hello' }>;

/** `Omit` of each member of a union. */
type WithoutId<R> = R extends unknown ? Omit<R, 'id'> : never;

/** What can be asked of a daemon; the client numbers it. */
export type Ask = WithoutId<Exclude<ControlRequest, { type: 'answer' }>>;

/** What a daemon answers. */
export type Answer = Exclude<ControlReply, { type: 'hello' | 'failed' | 'question' | 'show' }>;

/** A daemon that listens, but does not answer. */
export interface SilentDaemon {
  readonly path: string;
  readonly pid: number | undefined;
  /** Whether the kernel says that it is a process of this user. */
  readonly isOwn: boolean;
  readonly reason: string;
}

/** One connection to a daemon. */
export class ControlClient {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #hello = deferred<Hello>();
  #daemon: Hello | undefined;
  /** Of a process that has not said who it is. */
  #silentPid: number | undefined;
  #isStranger = false;
  #silence: SilentDaemon | undefined;
  #failure: TshuttleError | undefined;
  #pending:
    | { readonly id: number; readonly reply: Deferred<Answer>; readonly person: Person | undefined }
    | undefined;
  #lastAnswer: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  private constructor(path: string, { path: connectTo, pipe }: ControlAddress) {
    this.#path = path;
    const socket = connect(connectTo);
    this.#socket = socket;
    this.#hello.promise.catch(() => {}); // told by connect()
    const lines = new LineSplitter(MAX_REPLY_BYTES, (line) =>
      this.#onReply(JSON.parse(line, withoutControlsIn) as ControlReply),
    );
    socket.once('connect', () => {
      const stranger = strangerAt(socket);
      if (stranger === undefined) return;
      this.#isStranger = true;
      this.#fail(lost(`it is a process of user ${stranger}, and is not asked`));
    });
    const listen = (): void => {
      socket.on('data', (chunk: Buffer) => {
        try {
          lines.push(chunk);
        } catch (error) {
          this.#fail(lost(`it says what is no reply: ${messageOf(error)}`));
        }
      });
    };
    if (pipe === undefined) listen();
    else
      meetServer(socket, pipe.key).then(listen, (error: unknown) =>
        this.#fail(lost(messageOf(error), error)),
      );
    socket.on('error', (error) => this.#fail(lost(error.message, error)));
    socket.on('end', () => this.#fail(lost('it closed the connection')));
    socket.on('close', () => this.#fail(lost('it closed the connection')));
  }

  /**
   * Connects to one socket.
   *
   * @returns undefined when its process is dead, whose socket is removed then
   */
  static async connect(path: string): Promise<ControlClient | SilentDaemon | undefined> {
    const distrusted = whySocketDistrusted(path);
    if (distrusted !== undefined) {
      return { path, pid: undefined, isOwn: false, reason: `it is not asked, because ${distrusted}` };
    }
    let address: ControlAddress;
    try {
      address = readAddress(path);
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return undefined;
      return { path, pid: undefined, isOwn: true, reason: messageOf(error) };
    }
    const { pipe } = address;
    const client = new ControlClient(path, address);
    const timer = setTimeout(() => client.#fail(lost('it does not answer')), HELLO_TIMEOUT_MS);
    try {
      const hello = await client.#hello.promise;
      if (hello.protocol === CONTROL_VERSION) return client;
      client.close();
      const reason = `it is tshuttle ${hello.version}, which this one does not understand`;
      return { path, pid: hello.pid, isOwn: true, reason };
    } catch (error) {
      const code = error instanceof TshuttleError ? systemCodeOf(error.cause) : undefined;
      if (code === 'ENOENT' && pipe === undefined) return undefined;
      if (code === 'ECONNREFUSED' || code === 'ENOENT') {
        rmSync(path, { force: true });
        return undefined;
      }
      const pid = client.#silentPid ?? pipe?.pid;
      return { path, pid, isOwn: pid !== undefined && !client.#isStranger, reason: messageOf(error) };
    } finally {
      clearTimeout(timer);
    }
  }

  get daemon(): Hello {
    return this.#daemon!;
  }

  /** Set when a daemon that had greeted was found not to answer any more. */
  get silence(): SilentDaemon | undefined {
    return this.#silence;
  }

  /**
   * Asks one thing, as soon as what was asked before is answered. It may wait for a person, a bastion or a check for as long as that
   * takes, but not for a daemon that is stopped or stuck: one that does not greet a second connection within 5 s.
   *
   * @param person who answers what is asked meanwhile
   * @throws TshuttleError as the daemon says; ERR_INTERNAL when it went away or does not answer any more
   */
  ask(request: Ask, person?: Person): Promise<Answer> {
    const answer = this.#lastAnswer.then(() => this.#ask(request, person));
    this.#lastAnswer = answer.catch(() => {});
    return answer;
  }

  async #ask(request: Ask, person: Person | undefined): Promise<Answer> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = this.#nextId;
    this.#nextId += 1;
    const reply = deferred<Answer>();
    this.#pending = { id, reply, person };
    this.#send({ ...request, id });
    const liveness = setInterval(() => void this.#checkLiveness(), LIVENESS_CHECK_MS);
    try {
      return await reply.promise;
    } finally {
      clearInterval(liveness);
      this.#pending = undefined;
    }
  }

  async #checkLiveness(): Promise<void> {
    const other = await ControlClient.connect(this.#path);
    if (other instanceof ControlClient) return other.close();
    // Where there is no socket any more, this connection has ended, or the daemon's socket has moved.
    if (other === undefined || this.#failure !== undefined) return;
    this.#silence = { ...other, pid: other.pid ?? this.daemon.pid };
    this.#fail(lost('it does not answer any more'));
  }

  /** Idempotent. */
  close(): void {
    this.#socket.destroy();
  }

  #send(request: ControlRequest): void {
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  #onReply(reply: ControlReply): void {
    if (reply.type === 'hello') {
      this.#daemon = reply;
      this.#hello.resolve(reply);
      return;
    }
    const pending = this.#pending;
    if (pending === undefined || reply.id !== pending.id) return;
    switch (reply.type) {
      case 'failed': {
        const { code, message, remedy } = reply;
        pending.reply.reject(new TshuttleError(code, message, remedy === null ? {} : { remedy }));
        return;
      }
      case 'show':
        pending.person?.show(reply.text);
        return;
      case 'question': {
        const { id } = pending;
        const { question, echo } = reply;
        void (pending.person?.ask(question, { echo }) ?? Promise.resolve(undefined)).then(
          (text) => this.#send({ type: 'answer', id, text: text ?? null }),
          (error: unknown) => this.#fail(lost(messageOf(error))),
        );
        return;
      }
      default:
        pending.reply.resolve(reply);
    }
  }

  #fail(error: TshuttleError): void {
    // Asked only now, which is nearly never: the library for it takes longer to load than a daemon to answer.
    if (this.#daemon === undefined) this.#silentPid ??= peerCredentials(this.#socket)?.pid;
    this.#failure ??= error;
    this.#hello.reject(error);
    this.#pending?.reply.reject(error);
    this.#socket.destroy();
  }
}

/** Texts of several lines; all others have one. */
const LONG_TEXTS: ReadonlySet<string> = new Set(['text', 'question', 'message', 'remedy']);

/** What a daemon says may come from its bastion or its clients: nothing of it moves a cursor. */
function withoutControlsIn(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = withoutControls(value);
  return LONG_TEXTS.has(key) ? text : text.replaceAll('\n', ' ');
}

function lost(why: string, cause?: unknown): TshuttleError {
  return new TshuttleError('ERR_INTERNAL', `the daemon is not to be reached: ${why}`, { cause });
}
