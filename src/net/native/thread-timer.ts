import { constants } from 'node:os';
import { hasNativeLibrary, openLibc, openSharedLibrary, WORD_BYTES } from './library.ts';

/** bits/time.h: the time that the calling thread has had a processor for. */
const CLOCK_THREAD_CPUTIME_ID = 3;

/** bits/types/sigevent_t.h: a `sigval` as long as a pointer, sigev_signo, sigev_notify, and room for what is not used here. */
const EVENT_BYTES = 64;
const SIGEV_SIGNAL = 0;

interface Calls {
  readonly create: (clock: number, event: Buffer, timer: Buffer) => number;
  readonly set: (timer: bigint, flags: number, times: Buffer, before: null) => number;
}

let calls: Calls | undefined;

/**
 * A timer that counts the time for which the thread that has made it is on a processor, and then sends a signal to this process
 * (timer_create(2)). It wakes nobody: while the thread waits, no time passes. Processes that are started from here do not have it.
 */
export class ThreadTimer {
  readonly #timer: bigint;

  private constructor(timer: bigint) {
    this.#timer = timer;
  }

  /** Stopped at first. @returns undefined where there is no such timer: not Linux, or no native library */
  static create(signal: NodeJS.Signals): ThreadTimer | undefined {
    if (process.platform !== 'linux' || !hasNativeLibrary()) return undefined;
    const event = Buffer.alloc(EVENT_BYTES);
    event.writeInt32LE(constants.signals[signal], WORD_BYTES);
    event.writeInt32LE(SIGEV_SIGNAL, WORD_BYTES + 4);
    const timer = Buffer.alloc(WORD_BYTES);
    if (nativeCalls()?.create(CLOCK_THREAD_CPUTIME_ID, event, timer) !== 0) return undefined;
    return new ThreadTimer(WORD_BYTES === 8 ? timer.readBigUInt64LE() : BigInt(timer.readUInt32LE()));
  }

  /**
   * Counts from now on, instead of from when it was started before.
   *
   * @param afterMs until the signal; 0 stops it
   * @param everyMs between further signals; 0 for a single one
   */
  start(afterMs: number, everyMs = 0): void {
    const times = Buffer.alloc(4 * WORD_BYTES);
    writeTime(times, 0, everyMs);
    writeTime(times, 2 * WORD_BYTES, afterMs);
    nativeCalls()?.set(this.#timer, 0, times, null);
  }

  stop(): void {
    this.start(0);
  }
}

/** A struct timespec, of seconds and nanoseconds. */
function writeTime(bytes: Buffer, offset: number, ms: number): void {
  const fields = [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
  for (const [index, field] of fields.entries()) {
    if (WORD_BYTES === 8) bytes.writeBigInt64LE(BigInt(field), offset + index * WORD_BYTES);
    else bytes.writeInt32LE(field, offset + index * WORD_BYTES);
  }
}

function nativeCalls(): Calls | undefined {
  if (calls !== undefined) return calls;
  // Before glibc 2.34 they were in a library of their own.
  for (const library of [openLibc(), openSharedLibrary('librt.so.1')]) {
    try {
      calls ??= library && {
        create: library.func('int timer_create(int clock, const void *event, _Out_ void *timer)'),
        set: library.func('int timer_settime(uintptr_t timer, int flags, const void *times, void *before)'),
      };
    } catch {
      // Not in this one.
    }
  }
  return calls;
}
