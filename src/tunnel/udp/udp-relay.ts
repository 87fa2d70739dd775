import { printableLine } from '../../core/printable.ts';
import type { BastionProgram, ProgramListener } from '../../ssh/transport.ts';
import { encodeDatagram, encodeEnd, RelayFrames } from './relay-frames.ts';
import { FOUND_LINE, READY_LINE, RELAY_PROGRAMS, relayCommand } from './relay-programs.ts';

/** What a shell may say before a relay does. */
const MAX_HEAD_BYTES = 4_096;

/** From the request to its first word, and to its last before it takes frames. */
const START_TIMEOUT_MS = 10_000;

/** Runs a program on the bastion. */
export type StartProgram = (command: string, listener: ProgramListener) => BastionProgram;

/** Events of a {@link UdpRelay}. */
export interface RelayListener {
  /** It takes datagrams from now on. @param interpreter what it runs in */
  onReady(interpreter: string): void;
  /** `datagram` is valid during the call. */
  onDatagram(flow: number, datagram: Buffer): void;
  /** The last call: it has ended, or could not be started. `why` is for people. */
  onOver(why: string): void;
}

type State = 'finding' | 'loading' | 'ready' | 'over';

/**
 * A program on the bastion that sends datagrams and receives the answers. It keeps no queue: what it cannot pass on at once is dropped.
 *
 *     finding ──says its interpreter──> loading ──says that it is ready──> ready
 *        └───────────────────────────────────┴── ends, says something else, close() ──┴──> over
 */
export class UdpRelay {
  readonly #listener: RelayListener;
  readonly #program: BastionProgram;
  readonly #frames = new RelayFrames();
  readonly #timer: NodeJS.Timeout;
  #state: State = 'finding';
  #interpreter = '';
  #head: Buffer = Buffer.alloc(0);
  #headBytes = 0;
  /** The first line that is no relay's. */
  #otherLine = '';

  /** @param command what starts it */
  constructor(start: StartProgram, listener: RelayListener, command = relayCommand()) {
    this.#listener = listener;
    this.#timer = setTimeout(
      () => this.#end(`it was not ready within ${START_TIMEOUT_MS / 1_000} s`),
      START_TIMEOUT_MS,
    );
    this.#program = start(command, {
      said: (bytes) => this.#said(bytes),
      over: (why) => this.#end(why ?? this.#whyEnded()),
    });
  }

  /** Has it send a datagram. @returns false when it is dropped: it is not ready, or the way to it is full */
  send(flow: number, address: Buffer, port: number, datagram: Buffer): boolean {
    return this.#state === 'ready' && this.#program.send(encodeDatagram(flow, address, port, datagram));
  }

  /** Has it forget a flow, as far as it hears of it: it forgets the oldest by itself where it has too many. */
  endFlow(flow: number): void {
    if (this.#state === 'ready') this.#program.send(encodeEnd(flow));
  }

  /** Idempotent. */
  close(): void {
    this.#end('it was closed');
  }

  #said(bytes: Buffer): void {
    if (this.#state === 'over') return;
    if (this.#state === 'ready') {
      this.#pass(bytes);
      return;
    }
    this.#headBytes += bytes.length;
    this.#head = Buffer.concat([this.#head, bytes]);
    for (let end = this.#head.indexOf('\n'); end !== -1 && !this.#isStarted; end = this.#head.indexOf('\n')) {
      const line = this.#head.toString('utf8', 0, end);
      this.#head = this.#head.subarray(end + 1);
      this.#onLine(line);
    }
    if (!this.#isReady && this.#headBytes > MAX_HEAD_BYTES) this.#end('what it says is no relay’s');
    if (this.#isReady && this.#head.length > 0) {
      const rest = this.#head;
      this.#head = Buffer.alloc(0);
      this.#pass(rest);
    }
  }

  get #isReady(): boolean {
    return this.#state === 'ready';
  }

  get #isStarted(): boolean {
    return this.#isReady || this.#state === 'over';
  }

  #onLine(line: string): void {
    if (this.#state === 'finding' && line.startsWith(FOUND_LINE)) {
      this.#interpreter = line.slice(FOUND_LINE.length);
      const [, program] = Object.entries(RELAY_PROGRAMS).find(([name]) => name === this.#interpreter) ?? [];
      if (program === undefined) {
        this.#end('it has neither python3 nor perl');
        return;
      }
      this.#state = 'loading';
      this.#otherLine = '';
      this.#program.write(Buffer.from(`${program}\0`));
    } else if (this.#state === 'loading' && line === READY_LINE) {
      clearTimeout(this.#timer);
      this.#state = 'ready';
      this.#listener.onReady(this.#interpreter);
    } else {
      this.#otherLine ||= line.trim();
    }
  }

  #pass(bytes: Buffer): void {
    try {
      for (const { flow, datagram } of this.#frames.receive(bytes)) this.#listener.onDatagram(flow, datagram);
    } catch (error) {
      this.#end((error as Error).message);
    }
  }

  #whyEnded(): string {
    const said = printableLine(this.#otherLine || this.#head.toString('utf8'));
    if (this.#state === 'ready') return 'it has ended';
    if (this.#state === 'loading') return `${this.#interpreter} ended before it was ready`;
    return said === ''
      ? 'it runs another command in its place, as with ForceCommand'
      : `it runs another command in its place; that says: ${said}`;
  }

  #end(why: string): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    clearTimeout(this.#timer);
    this.#program.close();
    this.#listener.onOver(printableLine(why));
  }
}
