import { setTimeout as delay } from 'node:timers/promises';
import type { Refusal, RefusalReason } from '../transport.ts';

/** channels.c, channel_input_open_failure: the number is of no meaning outside of ssh. */
const OPEN_FAILED = /^channel \d+: open failed: ([a-z ]+)(?:: (.*))?$/;

/** sshd says so of a session only (serverloop.c, server_input_channel_open): one of ours, which is not needed. */
const NO_SESSION = 'connect failed: open failed';

/** channels.c, reason2txt. */
const REASONS: Readonly<Record<string, RefusalReason>> = {
  'administratively prohibited': 'prohibited',
  'connect failed': 'connect-failed',
  'unknown channel type': 'unknown-channel-type',
  'resource shortage': 'resource-shortage',
};

/** ssh tells of a failure on standard error before it closes the connection that asked. */
const SETTLE_MS = 30;
const PATIENCE_MS = 1_000;

/** Lines that nobody asks for belong to connections that were cancelled: older ones are nobody's reason. */
const MAX_AGE_MS = 5_000;
const MAX_LINES = 1_000;

interface Line {
  readonly refusal: Refusal;
  readonly atMs: number;
  isClaimed: boolean;
}

/**
 * Why channels were not opened, from what ssh says on standard error: it tells the reason, and not of which channel. So
 * where several fail at the same time for different reasons, each is given them all.
 */
export class RefusalLines {
  #lines: Line[] = [];

  /** Takes a line of ssh's. @returns whether it is about a channel that was not opened */
  onLine(text: string): boolean {
    const match = OPEN_FAILED.exec(text);
    if (match === null) return false;
    if (text.endsWith(NO_SESSION)) return true;
    const [, reason = '', description = reason] = match;
    const refusal: Refusal = { kind: 'refused', reason: REASONS[reason] ?? 'other', description };
    this.#lines.push({ refusal, atMs: performance.now(), isClaimed: false });
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
    return true;
  }

  /** The reason of a failure that has just been noticed; once for each. */
  async next(): Promise<Refusal> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    do {
      await delay(SETTLE_MS);
      const sinceMs = performance.now() - MAX_AGE_MS;
      this.#lines = this.#lines.filter(({ atMs }) => atMs > sinceMs);
      const line = this.#lines.find(({ isClaimed }) => !isClaimed);
      if (line === undefined) continue;
      line.isClaimed = true;
      return this.#together(line);
    } while (performance.now() < deadlineMs);
    return { kind: 'refused', reason: 'other', description: 'ssh does not say why' };
  }

  #together(line: Line): Refusal {
    this.#lines = this.#lines.filter(({ atMs, isClaimed }) => !isClaimed || atMs > line.atMs - PATIENCE_MS);
    const descriptions = new Set(this.#lines.map(({ refusal }) => refusal.description));
    if (descriptions.size <= 1) return line.refusal;
    const description = `one of: ${[...descriptions].join('; ')}`;
    return { kind: 'refused', reason: 'other', description };
  }
}
