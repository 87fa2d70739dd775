import { networkInterfaces } from 'node:os';
import { openNetworkMessages } from '../native/netlink/network-messages.ts';
import { RouteMonitor } from './route-monitor.ts';

/** A change comes in parts: address, link, routes. It is told of when nothing was added for so long, or after so many times. */
const SETTLE_MS = 250;
const MAX_LOOKS_AT_ONE_CHANGE = 4;

/** How often the clock is looked at, and the machine where nothing tells of its changes. */
const CLOCK_INTERVAL_MS = 2_000;

/** A clock that went on for more than this between two looks: the machine slept, or this process was stopped. */
const SLEPT_MS = 4_000;

/** What may have changed the way to everywhere. */
export type NetworkChange = 'changed' | 'slept';

/** How a {@link NetworkWatch} sees the machine. */
export interface NetworkView {
  /** Wall-clock time, which goes on while the machine sleeps, in ms. */
  nowMs(): number;
  /**
   * Calls back once when something may have changed since the last {@link hasChanged}, perhaps at once. Undefined where nothing tells.
   */
  readonly listen: ((onNews: () => void) => void) | undefined;
  /** Whether something has changed since the last call. */
  hasChanged(): boolean;
  /** Idempotent. */
  close(): void;
}

/**
 * Watches whether this machine's links, addresses or routes change, and whether it has slept. Where the system tells of changes,
 * only the clock is looked at, every 2 s; elsewhere (Windows, a sandbox) the addresses are, too.
 *
 *     listening ──news──> settling ──no more for 250 ms──> listening
 */
export class NetworkWatch {
  readonly #view: NetworkView;
  readonly #onChange: (change: NetworkChange) => void;
  readonly #clock: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  #lastMs: number;
  #looks = 0;

  /** Owns `view`. Does not keep the process alive. */
  constructor(onChange: (change: NetworkChange) => void, view: NetworkView = viewOfThisMachine()) {
    this.#onChange = onChange;
    this.#view = view;
    this.#lastMs = view.nowMs();
    this.#clock = setInterval(() => this.#pollClock(), CLOCK_INTERVAL_MS).unref();
    view.listen?.(() => this.#settle());
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#clock);
    clearInterval(this.#settling);
    this.#view.close();
  }

  #pollClock(): void {
    const nowMs = this.#view.nowMs();
    const hasSlept = nowMs - this.#lastMs > SLEPT_MS;
    this.#lastMs = nowMs;
    if (this.#view.listen === undefined && this.#settling === undefined && this.#view.hasChanged()) {
      this.#looks = 1;
      this.#settle();
    }
    if (hasSlept) this.#onChange('slept');
  }

  #settle(): void {
    this.#settling = setInterval(() => this.#look(), SETTLE_MS).unref();
  }

  #look(): void {
    const isChanging = this.#view.hasChanged();
    if (isChanging) this.#looks += 1;
    if (isChanging && this.#looks < MAX_LOOKS_AT_ONE_CHANGE) return;
    const hasChanged = this.#looks > 0;
    this.#looks = 0;
    if (!isChanging) {
      clearInterval(this.#settling);
      this.#settling = undefined;
      this.#view.listen?.(() => this.#settle());
    }
    if (hasChanged) this.#onChange('changed');
  }
}

function viewOfThisMachine(): NetworkView {
  const nowMs = (): number => Date.now();
  if (process.platform === 'linux') {
    try {
      return { nowMs, ...openNetworkMessages() };
    } catch {
      // A sandbox without AF_NETLINK.
    }
  }
  const monitor = HAS_ROUTE_MONITOR.has(process.platform) ? new RouteMonitor() : undefined;
  let before = addresses();
  return {
    nowMs,
    listen: monitor === undefined ? undefined : (onNews) => monitor.listen(onNews),
    hasChanged: () => {
      const now = addresses();
      const isOther = now !== before;
      before = now;
      // Both are asked: what the monitor has told is told.
      return monitor?.hasChanged() === true || isOther;
    },
    close: () => monitor?.close(),
  };
}

const HAS_ROUTE_MONITOR: ReadonlySet<string> = new Set(['darwin', 'freebsd', 'openbsd', 'netbsd']);

/** The addresses of the interfaces that are up, as one text. */
function addresses(): string {
  let interfaces: ReturnType<typeof networkInterfaces>;
  try {
    interfaces = networkInterfaces();
  } catch {
    // getifaddrs(3) is refused in a sandbox without AF_NETLINK.
    return '';
  }
  return Object.entries(interfaces)
    .flatMap(([name, own = []]) => own.map(({ cidr }) => `${name} ${cidr}`))
    .sort()
    .join();
}
