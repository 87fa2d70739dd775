import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { keepBytes } from './kept-bytes.ts';

/** As large as a read of Node's own. */
const READ_BYTES = 64 * 1024;

/** Node's `onread` option (net.Socket), which can only be given to a constructor; native-notes/lent-reads.md. */
interface ReadParts {
  readonly memory: symbol;
  readonly onRead: symbol;
  readonly nextMemory: symbol;
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
  const handle = members['_handle'];
  if (parts === undefined || !canReadTo(handle)) return false;
  sharedMemory ??= Buffer.allocUnsafeSlow(READ_BYTES);
  const memory = nextMemory?.() ?? sharedMemory;
  members[parts.memory] = memory;
  members[parts.onRead] = passOn;
  // Those of net.Socket stop reading at once when `onread` is set, and the end would not be seen behind a pause.
  socket.pause = Duplex.prototype.pause as () => Socket;
  socket.resume = Duplex.prototype.resume as () => Socket;
  if (nextMemory !== undefined) members[parts.nextMemory] = nextMemory;
  handle.useUserBuffer(memory);
  return true;
}

function passOn(this: Socket, length: number, memory: Buffer): boolean {
  const bytes = memory.subarray(0, length);
  // Behind a pause the stream keeps what is read, until it is full, as ever.
  if (this.readableFlowing !== true || this.readableLength > 0) return this.push(keepBytes(bytes));
  this.emit('data', bytes);
  return true;
}

function findParts(socket: Socket): ReadParts | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const find = (description: string) => symbols.find((symbol) => symbol.description === description);
  const [memory, onRead, nextMemory] = [find('kBuffer'), find('kBufferCb'), find('kBufferGen')];
  if (memory === undefined || onRead === undefined || nextMemory === undefined) return undefined;
  return { memory, onRead, nextMemory };
}

function canReadTo(handle: unknown): handle is { useUserBuffer(memory: Buffer): void } {
  return typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle;
}
