import { execFileSync } from 'node:child_process';
import { parseScutilDns, type ScutilResolver } from './scutil-dns.ts';

const SCUTIL = '/usr/sbin/scutil';

/** It answers at once, or not at all. */
const TIMEOUT_MS = 2_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Several who ask in one moment have one answer, for so long in ms: each start of scutil costs some 10 ms. */
const FRESH_MS = 1_000;

let last: { readonly atMs: number; readonly resolvers: readonly ScutilResolver[] } | undefined;

/** Whether the machine tells by scutil(8) whom it asks, and no file does. */
export function hasScutil(): boolean {
  return process.platform === 'darwin';
}

/** The resolvers of macOS; none where scutil does not answer. */
export function scutilResolvers(): readonly ScutilResolver[] {
  const nowMs = performance.now();
  if (last === undefined || nowMs - last.atMs > FRESH_MS) last = { atMs: nowMs, resolvers: ask() };
  return last.resolvers;
}

function ask(): readonly ScutilResolver[] {
  try {
    const text = execFileSync(SCUTIL, ['--dns'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return parseScutilDns(text);
  } catch {
    return [];
  }
}
