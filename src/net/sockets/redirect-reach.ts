import { readFileSync } from 'node:fs';
import type { ReachPolicy } from '../native/tcp.ts';

/** Where a firewall has it shorter than the kernel's five days. */
const TRACKED_SECONDS_FILE = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established';

/** How often a quiet connection is asked at least. */
const QUIET_SECONDS = 60;
/** Packets of a quiet connection within the time that the connection tracker remembers it. */
const ASKED_WHILE_TRACKED = 3;

/** An address that is gone may come back within half an hour, and a quiet connection goes on. */
const UNREACHED_SECONDS = 1_800;
/** setsockopt(2) takes no more. */
const MAX_UNANSWERED = 127;

/** 15 times that, less the first steps: half a minute. */
const MAX_RETRANSMISSION_MS = 2_000;

/**
 * How what was redirected to us is kept: a quiet connection sends before the connection tracker forgets its redirect, which would
 * cut it off unnoticed.
 */
export function redirectReach(readText: () => string = readTrackedSeconds): ReachPolicy {
  const trackedSeconds = Number.parseInt(readText(), 10);
  const quietSeconds =
    trackedSeconds > 0
      ? Math.max(1, Math.min(QUIET_SECONDS, Math.floor(trackedSeconds / ASKED_WHILE_TRACKED)))
      : QUIET_SECONDS;
  return {
    quietSeconds,
    maxUnanswered: Math.min(MAX_UNANSWERED, Math.ceil(UNREACHED_SECONDS / quietSeconds)),
    maxRetransmissionMs: MAX_RETRANSMISSION_MS,
  };
}

/** Empty where nothing tracks connections yet, or this is not Linux. */
function readTrackedSeconds(): string {
  try {
    return readFileSync(TRACKED_SECONDS_FILE, 'latin1');
  } catch {
    return '';
  }
}
