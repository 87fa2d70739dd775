import { closeSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** sys/socket.h, linux/netlink.h, fcntl.h; the same on every architecture that Node runs on but MIPS. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_PEEK = 0x2;
const MSG_DONTWAIT = 0x40;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_ASYNC = 0o20_000;
const EAGAIN = 11;

/** Before anything sends a SIGIO, and for ever: it ends a process that does not expect it, and one may be on its way at the end. */
function expectSignals(): void {
  if (!process.listeners('SIGIO').includes(ignoreSignal)) process.on('SIGIO', ignoreSignal);
}

function ignoreSignal(): void {}

type Receive = (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number;

/**
 * What the kernel sends to groups of a netlink protocol. Node watches no such socket, so the kernel sends SIGIO to this process while
 * it is listened to: nothing runs while nothing comes (native-notes/foreign-rule-changes.md). Linux only.
 *
 *     resting <──listen(), rest()──> listening ──close()──> closed
 */
export class GroupSocket {
  readonly #receive: Receive;
  readonly #control: (descriptor: number, command: number, type: 'int', value: number) => number;
  readonly #onSignal = (): void => this.#onMessages();
  #onMessages: () => void = () => {};
  #descriptor: number;
  /** The kernel says it once; {@link hasMessages} keeps it for {@link read}. */
  #wereLost = false;

  private constructor(descriptor: number) {
    const libc = openLibc();
    this.#descriptor = descriptor;
    this.#receive = libc.func(
      'intptr_t recv(int descriptor, _Out_ void *bytes, uintptr_t length, int flags)',
    );
    this.#control = libc.func('int fcntl(int descriptor, int command, ...)');
  }

  /**
   * Opens one, resting; it is the caller's to close.
   *
   * @param protocol of linux/netlink.h
   * @param groups bits
   * @throws Error with what was refused and errno
   */
  static open(protocol: number, groups: number): GroupSocket {
    const libc = openLibc();
    const newSocket = libc.func('int socket(int domain, int type, int protocol)');
    const bind = libc.func('int bind(int descriptor, const void *address, uint32_t length)');
    const descriptor = Number(newSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (descriptor < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
    const socket = new GroupSocket(descriptor);
    const address = new Uint32Array(3); // struct sockaddr_nl: family, process, groups
    new Uint16Array(address.buffer)[0] = AF_NETLINK;
    address[2] = groups;
    socket.#must('bind to the groups', Number(bind(descriptor, address, address.byteLength)));
    expectSignals();
    process.on('SIGIO', socket.#onSignal);
    socket.#must('F_SETOWN', Number(socket.#control(descriptor, F_SETOWN, 'int', process.pid)));
    return socket;
  }

  /**
   * Calls back when something may have come, until {@link rest}: also for what came for another socket of this process. No call tells
   * of what was there before: see {@link hasMessages}.
   */
  listen(onMessages: () => void): void {
    this.#onMessages = onMessages;
    this.#setFlags(O_ASYNC);
  }

  rest(): void {
    this.#onMessages = () => {};
    this.#setFlags(0);
  }

  /** Whether something is there to read, or was lost. Does not wait. */
  hasMessages(): boolean {
    return this.#read(new Uint8Array(1), MSG_PEEK) !== 'nothing';
  }

  /**
   * Reads what came as one packet of messages. Does not wait.
   *
   * @returns how many bytes it has; `lost` once for all that found no room (ENOBUFS), and for what finds none until `nothing` is left
   */
  read(bytes: Uint8Array): number | 'nothing' | 'lost' {
    return this.#read(bytes, 0);
  }

  /** Idempotent. */
  close(): void {
    process.off('SIGIO', this.#onSignal);
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  #read(bytes: Uint8Array, flags: number): number | 'nothing' | 'lost' {
    if (this.#descriptor < 0) return 'nothing';
    if (!this.#wereLost) {
      const length = this.#receive(this.#descriptor, bytes, bytes.length, flags | MSG_DONTWAIT);
      if (length > 0) return length;
      if (length < 0 && lastErrno() === EAGAIN) return 'nothing';
    }
    this.#wereLost = flags === MSG_PEEK;
    return 'lost';
  }

  #setFlags(flags: number): void {
    if (this.#descriptor >= 0) this.#control(this.#descriptor, F_SETFL, 'int', flags);
  }

  #must(what: string, result: number): void {
    if (result >= 0) return;
    const errno = lastErrno();
    this.close();
    throw new Error(`${what} failed with errno ${errno}`);
  }
}
