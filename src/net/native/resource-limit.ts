import { readFileSync } from 'node:fs';
import { libcFunctionOr, WORD_BYTES } from './library.ts';

/** What the kernel limits for a process. */
export type Resource = 'descriptors' | 'core file' | LinuxResource;

/** What only {@link raiseAllLimits} is about, on Linux. */
type LinuxResource = keyof typeof LINUX_NUMBERS;

/** asm-generic/resource.h, without what limits nothing since Linux 2.6, and what only lets a process be more than others. */
const LINUX_NUMBERS = {
  'CPU time': 0,
  'file size': 1,
  'data size': 2,
  'stack size': 3,
  processes: 6,
  'locked memory': 8,
  'address space': 9,
  'pending signals': 11,
  'message queues': 12,
  'realtime timeout': 15,
} as const;

/** sys/resource.h: the first number is Linux's, or that of macOS and the BSDs. */
const NUMBERS: Readonly<Record<Resource, number>> = {
  ...LINUX_NUMBERS,
  descriptors: process.platform === 'linux' ? 7 : 8,
  'core file': 4,
};

/** More than a process that holds rules ever has open. */
const ENOUGH_DESCRIPTORS = 4_096;

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

/** getrlimit(2); undefined where it fails, or there is no native library. */
export function resourceLimit(resource: Resource): ResourceLimit | undefined {
  const limits = Buffer.alloc(2 * WORD_BYTES); // rlim_t is a long
  if (nativeCalls().get(NUMBERS[resource], limits) !== 0) return undefined;
  return { soft: readWord(limits, 0), hard: readWord(limits, WORD_BYTES) };
}

/** What {@link descriptorLimit} asks; tests put their own here. */
interface LimitSources {
  readonly byCall: () => number | undefined;
  readonly readText: (path: string) => string;
}

const LIMIT_SOURCES: LimitSources = {
  byCall: () => resourceLimit('descriptors')?.soft,
  readText: (path) => readFileSync(path, 'latin1'),
};

/** How many descriptors this process may have; without the native library Linux tells it in a file. Undefined where nothing tells. */
export function descriptorLimit({ byCall, readText }: LimitSources = LIMIT_SOURCES): number | undefined {
  const soft = byCall();
  if (soft !== undefined || process.platform !== 'linux') return soft;
  try {
    const word = /^Max open files +(\S+)/m.exec(readText('/proc/self/limits'))?.[1];
    return word === undefined || !/^\d+$/.test(word) ? undefined : Number(word);
  } catch {
    return undefined; // without /proc
  }
}

/** setrlimit(2). Descriptors above a lower limit stay open. @returns false when the system refuses */
export function setResourceLimit(resource: Resource, { soft, hard }: ResourceLimit): boolean {
  const limits = Buffer.alloc(2 * WORD_BYTES);
  writeWord(limits, 0, soft);
  writeWord(limits, WORD_BYTES, hard);
  return nativeCalls().set(NUMBERS[resource], limits) === 0;
}

/**
 * Takes off all limits that this process inherited, as root may; Linux. There is no core file, which
 * would have what is in memory.
 *
 * @returns those that hold still, because the system refuses
 */
export function raiseAllLimits(): readonly Resource[] {
  const none = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY };
  const refused = (Object.keys(LINUX_NUMBERS) as LinuxResource[]).filter(
    (resource) => !setResourceLimit(resource, none) && (resourceLimit(resource)?.hard ?? 0) < INFINITE,
  );
  const hard = Math.max(resourceLimit('descriptors')?.hard ?? 0, ENOUGH_DESCRIPTORS);
  const hasDescriptors = setResourceLimit('descriptors', { soft: hard, hard });
  setResourceLimit('core file', { soft: 0, hard: 0 });
  return hasDescriptors ? refused : [...refused, 'descriptors'];
}

/** RLIM_INFINITY, as a number. */
const INFINITE = WORD_BYTES === 4 ? 2 ** 32 - 1 : 2 ** 64;

function nativeCalls(): Calls {
  calls ??= {
    get: libcFunctionOr<LimitCall>('int getrlimit(int resource, _Out_ void *limits)', () => -1),
    set: libcFunctionOr<LimitCall>('int setrlimit(int resource, const void *limits)', () => -1),
  };
  return calls;
}

function readWord(bytes: Buffer, offset: number): number {
  return WORD_BYTES === 4 ? bytes.readUInt32LE(offset) : Number(bytes.readBigUInt64LE(offset));
}

function writeWord(bytes: Buffer, offset: number, value: number): void {
  if (WORD_BYTES === 4) bytes.writeUInt32LE(Math.min(value, 2 ** 32 - 1), offset);
  else bytes.writeBigUInt64LE(value >= 2 ** 64 ? 2n ** 64n - 1n : BigInt(value), offset);
}
