import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { keepBytes } from './kept-bytes.ts';

/** As large as a read of Node's own: what a read without memory of the caller's gives at most. */
export const LENT_BYTES = 64 * 1024;

/** Node's `onread` option (net.Socket), which can only be given to a constructor; native-notes/lent-reads.md. */
interface ReadParts {
  readonly memory: symbol;
  readonly onRead: symbol;
  readonly nextMemory: symbol;
}

/** What is under a socket (src/stream_base.h); `reading` is what net.Socket notes of it. */
interface ReadHandle {
  reading: boolean;
  useUserBuffer(memory: Buffer): void;
  readStart(): number;
  readStop(): number;
}

/** Whether reads are held: the stream asks for one whenever it has emitted what it had. */
const HELD = Symbol('held');

interface HoldableSocket extends Socket {
  /** Undefined while its reads are not lent. */
  [HELD]?: boolean;
}

/** Undefined where this Node keeps them in another way. */
let parts: ReadParts | 'unknown' | undefined = 'unknown';
let sharedMemory: Buffer | undefined;

/**
 * Makes a socket read into memory that is used again, instead of new memory for every read: that and the garbage it makes
 * cost a third of the time of a fast transfer.
 *
 * From now on the bytes of a 'data' event are lent: valid until the listeners return. All else is as ever. Call it once.
 *
 * @param nextMemory where the next read goes to, asked after each; without it to memory that such sockets share
 * @returns false where this version of Node does not allow it: then every read has its own memory, as always
 */
export function lendReads(socket: Socket, nextMemory?: () => Buffer): boolean {
  if (parts === 'unknown') parts = findParts(socket);
  // Properties by their keys, not by Reflect, which looks them up anew each time: this is done for every flow.
  const members = socket as unknown as Record<PropertyKey, unknown>;
  const handle = handleOf(socket);
  if (parts === undefined || handle === undefined) return false;
  sharedMemory ??= Buffer.allocUnsafeSlow(LENT_BYTES);
  const memory = nextMemory?.() ?? sharedMemory;
  members[parts.memory] = memory;
  members[parts.onRead] = passOn;
  // Those of net.Socket stop and start reading at once when `onread` is set: the end would not be seen behind a pause, and reads
  // could not be held.
  socket.pause = Duplex.prototype.pause as () => Socket;
  socket.resume = Duplex.prototype.resume as () => Socket;
  socket.read = Duplex.prototype.read;
  members[HELD] = false;
  members['_read'] = readUnlessHeld;
  if (nextMemory !== undefined) members[parts.nextMemory] = nextMemory;
  handle.useUserBuffer(memory);
  return true;
}

/**
 * Has the system read nothing more from a socket that lends its reads, whose stream stays as it is: for reads past the stream
 * (`receiveNow`).
 *
 * @returns false where that cannot be; then the stream reads on. Only Linux has reads past the stream.
 */
export function holdReads(socket: HoldableSocket): boolean {
  const handle = handleOf(socket);
  const isLent = socket[HELD] !== undefined && handle !== undefined;
  if (process.platform !== 'linux' || !isLent || socket.readableLength > 0) return false;
  socket[HELD] = true;
  handle.reading = false;
  handle.readStop();
  return true;
}

/** Ends {@link holdReads}: the stream reads again. A socket that is destroyed is left alone. */
export function letRead(socket: HoldableSocket): void {
  const handle = handleOf(socket);
  if (socket[HELD] !== true || handle === undefined) return;
  socket[HELD] = false;
  handle.reading = true;
  handle.readStart();
}

function passOn(this: Socket, length: number, memory: Buffer): boolean {
  const bytes = memory.subarray(0, length);
  // Behind a pause the stream keeps what is read, until it is full, as ever.
  if (this.readableFlowing !== true || this.readableLength > 0) return this.push(keepBytes(bytes));
  this.emit('data', bytes);
  return true;
}

function readUnlessHeld(this: HoldableSocket, bytes: number): void {
  if (this[HELD] !== true) Socket.prototype._read.call(this, bytes);
}

function findParts(socket: Socket): ReadParts | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const find = (description: string) => symbols.find((symbol) => symbol.description === description);
  const [memory, onRead, nextMemory] = [find('kBuffer'), find('kBufferCb'), find('kBufferGen')];
  if (memory === undefined || onRead === undefined || nextMemory === undefined) return undefined;
  return { memory, onRead, nextMemory };
}

function handleOf(socket: Socket): ReadHandle | undefined {
  const handle = (socket as unknown as { readonly _handle?: Partial<ReadHandle> | null })._handle;
  return handle?.useUserBuffer === undefined ? undefined : (handle as ReadHandle);
}
