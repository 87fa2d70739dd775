import { openLibc } from './native-library.ts';

/** What the kernel limits for a process: open files, and the size of a core file. */
export type Resource = 'descriptors' | 'core file';

/** sys/resource.h: the first number is Linux's, or that of macOS and the BSDs. */
const NUMBERS: Readonly<Record<Resource, number>> = {
  descriptors: process.platform === 'linux' ? 7 : 8,
  'core file': 4,
};

/** A `long`, which rlim_t is. */
const WORD_BYTES = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;

/** What holds for this process, and up to where it may raise that itself; RLIM_INFINITY is a huge number. */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

type LimitCall = (resource: number, limits: Buffer) => number;

interface Calls {
  readonly get: LimitCall;
  readonly set: LimitCall;
}

let calls: Calls | undefined;

/** getrlimit(2); undefined where it fails. @throws TshuttleError ERR_INTERNAL without a native library */
export function resourceLimit(resource: Resource): ResourceLimit | undefined {
  const limits = Buffer.alloc(2 * WORD_BYTES);
  if (nativeCalls().get(NUMBERS[resource], limits) !== 0) return undefined;
  return { soft: readWord(limits, 0), hard: readWord(limits, WORD_BYTES) };
}

/** setrlimit(2). Descriptors above a lower limit stay open. @returns false when the system refuses */
export function setResourceLimit(resource: Resource, { soft, hard }: ResourceLimit): boolean {
  const limits = Buffer.alloc(2 * WORD_BYTES);
  writeWord(limits, 0, soft);
  writeWord(limits, WORD_BYTES, hard);
  return nativeCalls().set(NUMBERS[resource], limits) === 0;
}

function nativeCalls(): Calls {
  if (calls === undefined) {
    const libc = openLibc();
    calls = {
      get: libc.func('int getrlimit(int resource, _Out_ void *limits)') as LimitCall,
      set: libc.func('int setrlimit(int resource, const void *limits)') as LimitCall,
    };
  }
  return calls;
}

function readWord(bytes: Buffer, offset: number): number {
  return WORD_BYTES === 4 ? bytes.readUInt32LE(offset) : Number(bytes.readBigUInt64LE(offset));
}

function writeWord(bytes: Buffer, offset: number, value: number): void {
  if (WORD_BYTES === 4) bytes.writeUInt32LE(value, offset);
  else bytes.writeBigUInt64LE(value >= 2 ** 64 ? 2n ** 64n - 1n : BigInt(value), offset);
}
