/** What `route -n monitor` prints of one message (route(8) of macOS and the BSDs): its kind, and the flags that it ends with. */
const MESSAGE = /^(RTM_[A-Z0-9]+):.*?(?:if# (\d+).*?)?flags: ?<([^>]*)>/;

/** Kinds that say that the way to somewhere may be another one now. Not those that answer a question, or tell of a loss. */
const OF_INTEREST: ReadonlySet<string> = new Set([
  ...['RTM_ADD', 'RTM_DELETE', 'RTM_CHANGE'],
  ...['RTM_NEWADDR', 'RTM_DELADDR', 'RTM_CHGADDRATTR'],
  ...['RTM_IFINFO', 'RTM_IFINFO2', 'RTM_IFANNOUNCE', 'RTM_DESYNC'],
]);

/** Routes of these are made for one neighbour, or one destination, when something is sent there. */
const OF_ONE_HOST: ReadonlySet<string> = new Set(['LLINFO', 'WASCLONED', 'CLONED', 'CACHED']);

/** Comes and goes with whoever captures packets, on macOS each few seconds with some programs. */
const PROMISCUOUS = /^P?PROMISC$/;

/**
 * Reads what `route -n monitor` prints, line by line, and knows which of it tells that links, addresses or routes have changed
 * (native-notes/network-changes.md).
 */
export class RouteMessages {
  /** The flags that each interface had last. */
  readonly #flags = new Map<string, string>();

  /** @returns whether it is such a line */
  read(line: string): boolean {
    const [, kind = '', interfaceIndex, flags = ''] =
      MESSAGE.exec(line) ?? /^(RTM_[A-Z0-9]+):/.exec(line) ?? [];
    if (!OF_INTEREST.has(kind)) return false;
    const set = flags.split(/[, ]+/).filter((flag) => flag !== '');
    if (set.some((flag) => OF_ONE_HOST.has(flag))) return false;
    if (interfaceIndex === undefined || !kind.startsWith('RTM_IFINFO')) return true;
    const shown = set.filter((flag) => !PROMISCUOUS.test(flag)).join();
    const before = this.#flags.get(interfaceIndex);
    // The number of interfaces is bounded by the system; what is printed need not be.
    if (this.#flags.size < 1_024) this.#flags.set(interfaceIndex, shown);
    return before !== shown;
  }
}
