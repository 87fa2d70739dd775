import { closeSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** sys/socket.h, linux/netlink.h, fcntl.h; the same on every architecture that Node runs on but MIPS. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2_000_000;
const NETLINK_NETFILTER = 12;
const MSG_PEEK = 0x2;
const MSG_DONTWAIT = 0x40;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_ASYNC = 0o20_000;
const EAGAIN = 11;

/** linux/netfilter/nfnetlink.h: the group NFNLGRP_NFTABLES, as a bit, and NFNL_SUBSYS_NFTABLES. */
const GROUPS = 1 << 6;
const NFTABLES = 10;

/** linux/netfilter/nf_tables.h. */
const DELETIONS: ReadonlySet<number> = new Set([2, 5, 8]); // of a table, a chain, a rule
const NEW_GENERATION = 15;
/** Of tables, chains and rules alike; the second attribute of a rule is its chain. */
const ATTRIBUTE_TABLE = 1;
const ATTRIBUTE_NAME = 2;
const ATTRIBUTE_CHAIN = 3;
const ATTRIBUTE_PROCESS_ID = 2;
const ATTRIBUTE_PROCESS_NAME = 3;

const MESSAGE_HEADER_BYTES = 16;
/** struct nfgenmsg, whose first byte is the family, stands before the attributes. */
const FAMILY_BYTES = 4;
const READ_BYTES = 65_536;
/** Of one call: what comes faster is looked at later. */
const MAX_READS = 64;

/** What rules of the machine's packet filter are for: NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6. */
export const RULESET_FAMILIES = { inet: 1, ip: 2, ip6: 10 } as const;

/** A table, a chain or a rule that has gone. */
export interface RulesetDeletion {
  /** One of {@link RULESET_FAMILIES}, or another. */
  readonly family: number;
  readonly table: string;
  /** Undefined where the whole table has gone. */
  readonly chain: string | undefined;
  /** The program that removed it, for people, as far as the kernel says. */
  changedBy?: string | undefined;
}

/** What the kernel has told since the last time. */
export interface RulesetNews {
  readonly deletions: readonly RulesetDeletion[];
  /** Messages were lost, or left for the next time: anything may have gone. */
  readonly isIncomplete: boolean;
}

/** What the kernel says of changes to nftables rulesets, those by iptables-nft among them. */
export interface RulesetMessages {
  /** Has `onMessages` called when something comes; until {@link RulesetMessages.rest}. */
  listen(): void;
  rest(): void;
  /** Whether something is there to read. */
  hasNews(): boolean;
  /** Does not wait. */
  read(): RulesetNews;
  /** Idempotent. */
  close(): void;
}

/**
 * Has the kernel tell of changes to its packet filter; nobody else's process is woken by them, and ours only by a change. Node
 * watches no netlink socket, so the kernel sends SIGIO (native-notes/foreign-rule-changes.md). One at a time in a process. Needs
 * CAP_NET_ADMIN.
 *
 * @throws Error with what was refused and errno
 */
export function openRulesetMessages(onMessages: () => void): RulesetMessages {
  const libc = openLibc();
  const newSocket = libc.func('int socket(int domain, int type, int protocol)');
  const bind = libc.func('int bind(int descriptor, const void *address, uint32_t length)');
  const control = libc.func('int fcntl(int descriptor, int command, ...)');
  const receive = libc.func(
    'intptr_t recv(int descriptor, _Out_ void *bytes, uintptr_t length, int flags)',
  ) as (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number;
  let descriptor = Number(newSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (descriptor < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
  const close = (): void => {
    process.off('SIGIO', onMessages);
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  };
  const must = (what: string, result: unknown): void => {
    if (Number(result) >= 0) return;
    const errno = lastErrno();
    close();
    throw new Error(`${what} failed with errno ${errno}`);
  };
  const address = new Uint32Array(3); // struct sockaddr_nl: family, process, groups
  new Uint16Array(address.buffer)[0] = AF_NETLINK;
  address[2] = GROUPS;
  must("bind to nftables' group", bind(descriptor, address, address.byteLength));
  // Before anything sends one: it ends a process that does not expect it.
  process.on('SIGIO', onMessages);
  must('F_SETOWN', control(descriptor, F_SETOWN, 'int', process.pid));
  const setFlags = (flags: number): void => {
    if (descriptor >= 0) control(descriptor, F_SETFL, 'int', flags);
  };
  const bytes = Buffer.alloc(READ_BYTES);
  /** ENOBUFS: nobody has read for so long. It is told once, to whatever asks first. */
  let wereLost = false;
  return {
    listen: () => setFlags(O_ASYNC),
    rest: () => setFlags(0),
    hasNews() {
      if (descriptor < 0) return false;
      if (receive(descriptor, bytes, 1, MSG_PEEK | MSG_DONTWAIT) > 0) return true;
      wereLost ||= lastErrno() !== EAGAIN;
      return wereLost;
    },
    read() {
      const deletions: RulesetDeletion[] = [];
      let isIncomplete = wereLost;
      wereLost = false;
      for (let reads = 0; descriptor >= 0; reads += 1) {
        const length = receive(descriptor, bytes, bytes.length, MSG_DONTWAIT);
        if (length < 0 && lastErrno() === EAGAIN) break;
        if (length <= 0 || reads === MAX_READS) isIncomplete = true;
        if (length > 0) readMessages(bytes.subarray(0, length), deletions);
        if (reads === MAX_READS) break;
      }
      return { deletions, isIncomplete };
    },
    close,
  };
}

/** Adds what has gone by messages as the kernel packs them: each begins with its length in bytes, at the next multiple of four. */
export function readMessages(bytes: Buffer, deletions: RulesetDeletion[]): void {
  for (let at = 0; at + MESSAGE_HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < MESSAGE_HEADER_BYTES || at + length > bytes.length) return;
    const type = bytes.readUInt16LE(at + 4);
    if (type >> 8 === NFTABLES && length >= MESSAGE_HEADER_BYTES + FAMILY_BYTES) {
      const family = bytes[at + MESSAGE_HEADER_BYTES] ?? 0;
      const attributes = readAttributes(
        bytes.subarray(at + MESSAGE_HEADER_BYTES + FAMILY_BYTES, at + length),
      );
      if (DELETIONS.has(type & 0xff)) deletions.push(deletionOf(type & 0xff, family, attributes));
      else if ((type & 0xff) === NEW_GENERATION) sign(deletions, programOf(attributes));
    }
    at += (length + 3) & ~3;
  }
}

type Attributes = ReadonlyMap<number, Buffer>;

function readAttributes(bytes: Buffer): Attributes {
  const attributes = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    // The two highest bits say how the value is packed.
    attributes.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return attributes;
}

function deletionOf(type: number, family: number, attributes: Attributes): RulesetDeletion {
  const chain = {
    2: undefined,
    5: textOf(attributes.get(ATTRIBUTE_CHAIN)),
    8: textOf(attributes.get(ATTRIBUTE_NAME)),
  };
  return { family, table: textOf(attributes.get(ATTRIBUTE_TABLE)) ?? '', chain: chain[type as 2 | 5 | 8] };
}

/** A transaction's end names its program. */
function sign(deletions: readonly RulesetDeletion[], changedBy: string | undefined): void {
  for (const deletion of deletions) deletion.changedBy ??= changedBy;
}

/** `iptables (process 123)`. */
function programOf(attributes: Attributes): string | undefined {
  const name = textOf(attributes.get(ATTRIBUTE_PROCESS_NAME));
  const id = attributes.get(ATTRIBUTE_PROCESS_ID);
  return name === undefined || id?.length !== 4 ? undefined : `${name} (process ${id.readUInt32BE()})`;
}

/** A name as C has it; whoever gave it may have written anything. */
function textOf(value: Buffer | undefined): string | undefined {
  return value
    ?.toString('latin1')
    .replace(/\0.*$/s, '')
    .replace(/[^ -~]/g, '?');
}
