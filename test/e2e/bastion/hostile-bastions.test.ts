import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';

/** How long each flood lasts: TSHUTTLE_FLOOD_S=60 for the whole of it. */
const FLOOD_MS = 1_000 * Number(process.env['TSHUTTLE_FLOOD_S'] ?? 1);

const MAX_MEMORY_KIB = 200 * 1024;
const STOP_MS = 5_000;
/** Of several processes at once, on a busy machine. */
const START_MS = 40_000;

/** At once, so that the whole takes less than a minute. */
const GROUP_SIZE = 4;

/** Here nothing is flooded: the client must not loop. */
const MAY_GO_ON = new Set(['NO_PACKETS']);

/** The line that a connection is given up with. */
const CUT = /it (?:sends|sent|answers|asks|exchanges|tells) |greeting lines exceeded|line too long/i;

/** Refusals that nobody asked for are those of the next attempts, where these are sent before they are read. */
const END: Readonly<Record<string, RegExp>> = {
  LOGIN_FAILURE: new RegExp(`${CUT.source}|refused the login`, 'i'),
};

const KINDS = [
  ...['IGNORE', 'UNIMPLEMENTED', 'DEBUG', 'SERVICE_REQUEST', 'SERVICE_ACCEPT', 'EXT_INFO'],
  ...['KEXINIT', 'NEWKEYS', 'KEX_31', 'UNKNOWN', 'EMPTY'],
  ...['USERAUTH_REQUEST', 'USERAUTH_FAILURE', 'USERAUTH_SUCCESS', 'USERAUTH_BANNER', 'USERAUTH_60'],
  ...['GLOBAL_REQUEST', 'HOSTKEYS', 'REQUEST_SUCCESS', 'REQUEST_FAILURE'],
  ...['CHANNEL_OPEN', 'CHANNEL_OPEN_CONFIRMATION', 'CHANNEL_OPEN_FAILURE', 'CHANNEL_WINDOW_ADJUST'],
  ...['CHANNEL_DATA', 'CHANNEL_EXTENDED_DATA', 'CHANNEL_EOF', 'CHANNEL_CLOSE', 'CHANNEL_REQUEST'],
  ...['CHANNEL_SUCCESS', 'CHANNEL_FAILURE', 'OTHER_CHANNEL', 'SESSION', 'NO_PACKETS'],
  ...['LOGIN_BANNER', 'LOGIN_IGNORE', 'LOGIN_FAILURE', 'LOGIN_ACCEPT', 'LOGIN_QUESTIONS'],
  ...['LINES_BEFORE_VERSION', 'TEXT_BEFORE_VERSION'],
];

interface Outcome {
  readonly kind: string;
  readonly peakKib: number;
  /** From SIGTERM on; undefined where it had ended by itself, as it does when nobody is let in. */
  readonly stopMs: number | undefined;
  readonly output: string;
}

/** Floods a tshuttle, of which no other part runs, and ends it with SIGTERM. */
async function withstand(kind: string): Promise<Outcome> {
  const bastion = new Child(['node', 'test/support/servers/flooding-bastion.entry.mjs', kind]);
  let tshuttle: Child | undefined;
  try {
    const [, port = ''] = await bastion.untilOutput(/port (\d+)/, START_MS);
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=none', 'IdentityAgent=none'];
    tshuttle = new Child(
      [
        'node',
        'bin/tshuttle',
        '-r',
        `me@127.0.0.1:${port}`,
        '--socks',
        '0',
        ...options.flatMap((one) => ['-o', one]),
      ],
      { timeoutMs: FLOOD_MS + 60_000 },
    );
    const { pid } = tshuttle;
    const memory = new PeakMemory(pid);
    await bastion.untilOutput(/flooding/, START_MS);
    await Promise.race([delay(FLOOD_MS), tshuttle.exited]);
    const isCut = (): boolean => (END[kind] ?? CUT).test(tshuttle?.stderr ?? '');
    const what = (): string => `${kind}: the connection is given up: ${tshuttle?.stderr}`;
    if (!MAY_GO_ON.has(kind)) await until(isCut, { deadlineMs: START_MS, what });
    const peakKib = memory.stop();
    const isRunning = tshuttle.isRunning;
    const stoppedAtMs = performance.now();
    tshuttle.kill('SIGTERM');
    await tshuttle.exited;
    const stopMs = isRunning ? performance.now() - stoppedAtMs : undefined;
    return { kind, peakKib, stopMs, output: tshuttle.stderr };
  } finally {
    tshuttle?.kill('SIGKILL');
    bastion.kill('SIGKILL');
    await bastion.exited;
  }
}

/** Watches the most memory that a process has ever had (VmHWM of proc(5)), until it ends. */
class PeakMemory {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #kib = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#read(), 50);
  }

  stop(): number {
    clearInterval(this.#timer);
    this.#read();
    return this.#kib;
  }

  #read(): void {
    try {
      const status = readFileSync(`/proc/${this.#pid}/status`, 'latin1');
      this.#kib = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? this.#kib);
    } catch {
      // It has ended.
    }
  }
}

const groups = Array.from({ length: Math.ceil(KINDS.length / GROUP_SIZE) }, (_value, index) =>
  KINDS.slice(index * GROUP_SIZE, (index + 1) * GROUP_SIZE),
);

test.each(groups.map((group) => [group.join(', '), group] as const))(
  'a bastion that floods with %s',
  async (_names, group) => {
    const outcomes = await Promise.all(group.map(withstand));
    for (const { kind, peakKib, stopMs, output } of outcomes) {
      const end = stopMs === undefined ? 'has ended by itself' : `${Math.round(stopMs)} ms`;
      const what = `${kind}: ${Math.round(peakKib / 1024)} MiB, ${end}\n${output.slice(0, 2_000)}`;
      expect(peakKib, what).toBeGreaterThan(0);
      expect(peakKib, what).toBeLessThan(MAX_MEMORY_KIB);
      expect(stopMs ?? 0, what).toBeLessThan(STOP_MS);
      expect(output, what).not.toMatch(/internal error/);
      if (process.env['TSHUTTLE_FLOOD_S'] !== undefined) console.log(what.split('\n', 3).join(' | '));
    }
  },
  FLOOD_MS + 60_000,
);
