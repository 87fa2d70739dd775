import { GroupSocket } from './group-socket.ts';

/** linux/netlink.h and linux/rtnetlink.h. */
const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;

/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE. */
const GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

const MAX_MESSAGES_BYTES = 32_768;
/** Of one call: what comes faster than that is a change in any case. */
const MAX_READS = 32;

/** Offsets in a message, in 32-bit words: struct nlmsghdr, then struct ifinfomsg. */
const HEADER_WORDS = 4;
const LINK_INDEX = HEADER_WORDS + 1;
const LINK_FLAGS = HEADER_WORDS + 2;
const LINK_WORDS = HEADER_WORDS + 4;

/** What the kernel says of this machine's links, addresses and routes. */
export interface NetworkMessages {
  /** Calls back once when any of them may have changed since the last {@link hasChanged}, perhaps at once. */
  listen(onNews: () => void): void;
  /** Whether any of them has changed since the last call. Does not wait. */
  hasChanged(): boolean;
  /** Idempotent. */
  close(): void;
}

/**
 * Has the kernel tell of changes: rtnetlink(7), which needs no privilege. Linux only (native-notes/network-changes.md).
 *
 * @throws Error with what was refused and errno
 */
export function openNetworkMessages(): NetworkMessages {
  const socket = GroupSocket.open(NETLINK_ROUTE, GROUPS);
  const words = new Uint32Array(MAX_MESSAGES_BYTES / 4);
  const bytes = new Uint8Array(words.buffer);
  const links = new LinkFlags();
  return {
    listen(onNews) {
      const once = (): void => {
        socket.rest();
        onNews();
      };
      socket.listen(once);
      // No signal tells of what came before.
      if (socket.hasMessages()) once();
    },
    hasChanged() {
      let hasChanged = false;
      for (let reads = 0; reads < MAX_READS; reads += 1) {
        const length = socket.read(bytes);
        if (length === 'nothing') break;
        if (length === 'lost') hasChanged = true;
        else hasChanged = tellsOfChange(words.subarray(0, length >> 2), links) || hasChanged;
      }
      return hasChanged;
    },
    close: () => socket.close(),
  };
}

/** Messages as the kernel packs them: each begins with its length in bytes, at the next multiple of four. */
function tellsOfChange(words: Uint32Array, links: LinkFlags): boolean {
  let hasChanged = false;
  for (let at = 0; at + HEADER_WORDS <= words.length; ) {
    const lengthWords = Math.ceil((words[at] ?? 0) / 4);
    if (lengthWords < HEADER_WORDS) break;
    hasChanged = links.isChange(words.subarray(at, at + lengthWords)) || hasChanged;
    at += lengthWords;
  }
  return hasChanged;
}

/** Links are told of also when nothing has changed that matters here: a wireless one whenever it has looked around. */
class LinkFlags {
  readonly #byIndex = new Map<number, number>();

  /** Whether a message tells of more than a link that is as it was. */
  isChange(message: Uint32Array): boolean {
    const type = new Uint16Array(message.buffer, message.byteOffset + 4, 1)[0];
    const index = message[LINK_INDEX] ?? 0;
    if (type === RTM_DELLINK) this.#byIndex.delete(index);
    if (type !== RTM_NEWLINK || message.length < LINK_WORDS) return true;
    const flags = message[LINK_FLAGS] ?? 0;
    const before = this.#byIndex.get(index);
    this.#byIndex.set(index, flags);
    return flags !== before;
  }
}
