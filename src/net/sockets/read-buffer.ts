import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { copyToPool } from './byte-pool.ts';

/** As large as a read of Node's own: what a read without memory of the caller's gives at most. */
export const READ_BUFFER_BYTES = 64 * 1024;

/** Node's `onread` option (net.Socket), which can only be given to a constructor; native-notes/read-buffers.md. */
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

/** Whether reads are paused: the stream asks for one whenever it has emitted what it had. */
const PAUSED = Symbol('paused');

interface PausableSocket extends Socket {
  /** Undefined unless it reuses its read buffer. */
  [PAUSED]?: boolean;
}

/** Undefined where this Node keeps them in another way. */
let parts: ReadParts | 'unknown' | undefined = 'unknown';
let sharedMemory: Buffer | undefined;

/**
 * Makes a socket read into memory that is used again, instead of new memory for every read: that and the garbage it makes
 * cost a third of the time of a fast transfer.
 *
 * From now on the bytes of a 'data' event are valid only until the listeners return. Nothing else changes. Call it once.
 *
 * @param nextMemory where the next read goes to, asked after each; without it to memory that such sockets share
 * @returns false where this version of Node does not allow it: then every read has its own memory, as always
 */
export function reuseReadBuffer(socket: Socket, nextMemory?: () => Buffer): boolean {
  if (parts === 'unknown') parts = findParts(socket);
  // Properties by their keys, not by Reflect, which looks them up anew each time: this is done for every flow.
  const members = socket as unknown as Record<PropertyKey, unknown>;
  const handle = handleOf(socket);
  if (parts === undefined || handle === undefined) return false;
  sharedMemory ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const memory = nextMemory?.() ?? sharedMemory;
  members[parts.memory] = memory;
  members[parts.onRead] = passOn;
  // Those of net.Socket stop and start reading at once when `onread` is set: the end would not be seen behind a pause, and reads
  // could not be paused.
  socket.pause = Duplex.prototype.pause as () => Socket;
  socket.resume = Duplex.prototype.resume as () => Socket;
  socket.read = Duplex.prototype.read;
  members[PAUSED] = false;
  members['_read'] = readUnlessPaused;
  if (nextMemory !== undefined) members[parts.nextMemory] = nextMemory;
  handle.useUserBuffer(memory);
  return true;
}

/**
 * Stops the reads of a socket that reuses its read buffer; its stream does not change. For direct reads
 * (`receiveNow`).
 *
 * @returns false where that is impossible; then the stream reads on. Only Linux has direct reads.
 */
export function pauseReads(socket: PausableSocket): boolean {
  const handle = handleOf(socket);
  const isReused = socket[PAUSED] !== undefined && handle !== undefined;
  if (process.platform !== 'linux' || !isReused || socket.readableLength > 0) return false;
  socket[PAUSED] = true;
  handle.reading = false;
  handle.readStop();
  return true;
}

/** Ends {@link pauseReads}: the stream reads again. A socket that is destroyed is left alone. */
export function resumeReads(socket: PausableSocket): void {
  const handle = handleOf(socket);
  if (socket[PAUSED] !== true || handle === undefined) return;
  socket[PAUSED] = false;
  handle.reading = true;
  handle.readStart();
}

function passOn(this: Socket, length: number, memory: Buffer): boolean {
  const bytes = memory.subarray(0, length);
  // Behind a pause the stream keeps what is read, until it is full, as ever.
  if (this.readableFlowing !== true || this.readableLength > 0) return this.push(copyToPool(bytes));
  this.emit('data', bytes);
  return true;
}

function readUnlessPaused(this: PausableSocket, bytes: number): void {
  if (this[PAUSED] !== true) Socket.prototype._read.call(this, bytes);
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
