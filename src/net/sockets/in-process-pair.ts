import { Socket } from 'node:net';
import type { DuplexOptions } from 'node:stream';

/** As every stream's, but for an end that is asked for no data. */
type WriteCallback = (error?: Error | null) => void;

interface PendingWrite {
  readonly bytes: Buffer;
  readonly done: WriteCallback;
}

/** Node's own, which resets the idle time of `setTimeout`; since 0.x under this name. */
interface HasIdleTimer {
  _unrefTimer?(): void;
}

/**
 * Two sockets without a descriptor, of which each reads what the other writes: for systems, and machines without a native library,
 * where socketpair(2) is not to be had. The two never share memory: what is written is copied, as a kernel does.
 *
 * A write is done when the other end has asked for data, so nothing is kept beyond what the two streams keep.
 */
export function makeInProcessPair(options: DuplexOptions): readonly [Socket, Socket] {
  const first = new InProcessSocket(options);
  const second = new InProcessSocket({});
  first.join(second);
  second.join(first);
  return [first, second];
}

/** One end. Nothing in it has a handle: what is done past streams (`sendNow`, `lendReads`) finds none, and is not done. */
class InProcessSocket extends Socket {
  #peer: InProcessSocket | undefined;
  #wantsData = false;
  #write: PendingWrite | undefined;
  #readBytes = 0;
  #writtenBytes = 0;

  constructor(options: DuplexOptions) {
    super({ ...options, allowHalfOpen: true });
    // Of net.Socket they are the handle's.
    Object.defineProperty(this, 'bytesRead', { get: () => this.#readBytes });
    Object.defineProperty(this, 'bytesWritten', { get: () => this.#writtenBytes + this.writableLength });
  }

  join(peer: InProcessSocket): void {
    this.#peer = peer;
  }

  override _read(): void {
    this.#wantsData = true;
    const peer = this.#peer;
    // Later, as from a kernel: whoever reads is not called while he says so.
    if (peer !== undefined) process.nextTick(() => peer.#deliver());
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: WriteCallback): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    this.#write = { bytes, done };
    process.nextTick(() => this.#deliver());
  }

  override _writev(
    chunks: Array<{ chunk: Buffer | string; encoding: BufferEncoding }>,
    done: WriteCallback,
  ): void {
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this._write(Buffer.concat(pieces), 'utf8', done);
  }

  override _final(done: WriteCallback): void {
    const peer = this.#peer;
    // All that was written has been taken by now.
    process.nextTick(() => {
      if (peer !== undefined && !peer.destroyed) peer.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#fail('ECANCELED');
    if (this.#peer !== undefined) this.#peer.#fail('EPIPE');
    super._destroy(error, done);
  }

  #deliver(): void {
    const [peer, write] = [this.#peer, this.#write];
    if (peer === undefined || write === undefined) return;
    if (peer.destroyed) this.#fail('EPIPE');
    if (!peer.#wantsData || peer.destroyed) return;
    this.#write = undefined;
    this.#writtenBytes += write.bytes.length;
    peer.#readBytes += write.bytes.length;
    peer.#wantsData = false;
    for (const end of [this, peer] as readonly HasIdleTimer[]) end._unrefTimer?.();
    // An empty chunk would be taken for nothing, and asks for no other.
    if (write.bytes.length === 0) peer.#wantsData = true;
    else peer.push(write.bytes);
    write.done();
  }

  #fail(code: 'ECANCELED' | 'EPIPE'): void {
    const write = this.#write;
    this.#write = undefined;
    write?.done(Object.assign(new Error(`write ${code}`), { code, syscall: 'write' }));
  }
}
