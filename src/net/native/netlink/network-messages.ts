import { closeSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** sys/socket.h, linux/netlink.h and linux/rtnetlink.h; the same on every architecture that Node runs on but MIPS. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const NETLINK_ROUTE = 0;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
/** Messages were lost, because nobody read for so long. */
const ENOBUFS = 105;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;

/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE. */
const GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/** struct sockaddr_nl in 32-bit words: family, process, groups. */
const ADDRESS_WORDS = 3;
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
  /** Whether any of them has changed since the last call. Does not wait. */
  tellOfChange(): boolean;
  /** Idempotent. */
  close(): void;
}

/**
 * Has the kernel tell of changes: rtnetlink(7), which needs no privilege. Linux only (native-notes/network-changes.md).
 *
 * @throws Error with what was refused and errno
 */
export function openNetworkMessages(): NetworkMessages {
  const libc = openLibc();
  const newSocket = libc.func('int socket(int domain, int type, int protocol)');
  const bind = libc.func('int bind(int descriptor, const void *address, uint32_t length)');
  const receive = libc.func(
    'intptr_t recv(int descriptor, _Out_ void *bytes, uintptr_t length, int flags)',
  ) as (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number;
  let descriptor = Number(newSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (descriptor < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
  const close = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  };
  const address = new Uint32Array(ADDRESS_WORDS);
  new Uint16Array(address.buffer)[0] = AF_NETLINK;
  address[2] = GROUPS;
  if (bind(descriptor, address, address.byteLength) < 0) {
    const errno = lastErrno();
    close();
    throw new Error(`bind to rtnetlink's groups failed with errno ${errno}`);
  }
  const words = new Uint32Array(MAX_MESSAGES_BYTES / 4);
  const bytes = new Uint8Array(words.buffer);
  const links = new LinkFlags();
  return {
    tellOfChange() {
      let hasChanged = false;
      for (let reads = 0; reads < MAX_READS && descriptor >= 0; reads += 1) {
        const length = receive(descriptor, bytes, bytes.length, MSG_DONTWAIT);
        if (length > 0) hasChanged = tellsOfChange(words.subarray(0, length >> 2), links) || hasChanged;
        else if (length < 0 && lastErrno() === ENOBUFS) hasChanged = true;
        else if (length === 0 || lastErrno() === EAGAIN) break;
      }
      return hasChanged;
    },
    close,
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
