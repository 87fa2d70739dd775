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

let getLimit: LimitCall | undefined;

/** getrlimit(2) RLIMIT_NOFILE; undefined where it fails. @throws TshuttleError ERR_INTERNAL without a native library */
export function descriptorLimit(): DescriptorLimit | undefined {
  const limits = Buffer.alloc(2 * WORD_BYTES);
  getLimit ??= openLibc().func('int getrlimit(int resource, _Out_ void *limits)') as LimitCall;
  if (getLimit(RLIMIT_NOFILE, limits) !== 0) return undefined;
  return { soft: readWord(limits, 0), hard: readWord(limits, WORD_BYTES) };
}

function readWord(bytes: Buffer, offset: number): number {
  return WORD_BYTES === 4 ? bytes.readUInt32LE(offset) : Number(bytes.readBigUInt64LE(offset));
}
