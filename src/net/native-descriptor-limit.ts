import { openLibc } from './native-library.ts';

/** sys/resource.h: the number is Linux's, or that of macOS and the BSDs. */
const RLIMIT_NOFILE = process.platform === 'linux' ? 7 : 8;

/** A `long`, which rlim_t is. */
const WORD_BYTES = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;

/** How many descriptors this process may have, and up to where it may raise that itself; RLIM_INFINITY is a huge number. */
export interface DescriptorLimit {
  readonly soft: number;
  readonly hard: number;
}

type LimitCall = (resource: number, limits: Buffer) => number;

interface Calls {
  readonly get: LimitCall;
  readonly set: LimitCall;
}

let calls: Calls | undefined;

/** getrlimit(2) RLIMIT_NOFILE; undefined where it fails. @throws TshuttleError ERR_INTERNAL without a native library */
export function descriptorLimit(): DescriptorLimit | undefined {
  const limits = Buffer.alloc(2 * WORD_BYTES);
  if (nativeCalls().get(RLIMIT_NOFILE, limits) !== 0) return undefined;
  return { soft: readWord(limits, 0), hard: readWord(limits, WORD_BYTES) };
}

/** setrlimit(2) RLIMIT_NOFILE. Descriptors above a lower limit stay open. @returns false when the system refuses */
export function setDescriptorLimit({ soft, hard }: DescriptorLimit): boolean {
  const limits = Buffer.alloc(2 * WORD_BYTES);
  writeWord(limits, 0, soft);
  writeWord(limits, WORD_BYTES, hard);
  return nativeCalls().set(RLIMIT_NOFILE, limits) === 0;
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
