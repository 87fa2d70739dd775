import { networkInterfaces } from 'node:os';
import { openNetworkMessages } from '../native/netlink/network-messages.ts';

const INTERVAL_MS = 250;

/** A change comes in parts: address, link, routes. It is told of when nothing was added for an interval, or after so many. */
const MAX_INTERVALS_OF_ONE_CHANGE = 4;

/** A clock that went on for so much longer than an interval: the machine slept, or this process was stopped. */
const SLEPT_MS = 4_000;

/** What may have changed the way to everywhere. */
export type NetworkChange = 'changed' | 'slept';

/** How a {@link NetworkWatch} sees the machine. */
export interface NetworkView {
  /** Wall-clock time, which goes on while the machine sleeps, in ms. */
  nowMs(): number;
  /** Whether something has changed since the last call. */
  tellOfChange(): boolean;
  /** Idempotent. */
  close(): void;
}

/**
 * Looks four times a second whether this machine's links, addresses or routes have changed, or it has slept. Where the kernel
 * does not tell (macOS), only other addresses are seen.
 */
export class NetworkWatch {
  readonly #view: NetworkView;
  readonly #onChange: (change: NetworkChange) => void;
  readonly #timer: NodeJS.Timeout;
  #lastMs: number;
  #changingIntervals = 0;

  /** Owns `view`. Does not keep the process alive. */
  constructor(onChange: (change: NetworkChange) => void, view: NetworkView = viewOfThisMachine()) {
    this.#onChange = onChange;
    this.#view = view;
    this.#lastMs = view.nowMs();
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#view.close();
  }

  #look(): void {
    const nowMs = this.#view.nowMs();
    const hasSlept = nowMs - this.#lastMs > SLEPT_MS;
    this.#lastMs = nowMs;
    const isChanging = this.#view.tellOfChange();
    if (hasSlept) this.#onChange('slept');
    if (isChanging) this.#changingIntervals += 1;
    const isSettled = !isChanging || this.#changingIntervals >= MAX_INTERVALS_OF_ONE_CHANGE;
    if (this.#changingIntervals === 0 || !isSettled) return;
    this.#changingIntervals = 0;
    this.#onChange('changed');
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
  let before = addresses();
  return {
    nowMs,
    tellOfChange: () => {
      const now = addresses();
      const hasChanged = now !== before;
      before = now;
      return hasChanged;
    },
    close: () => {},
  };
}

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
