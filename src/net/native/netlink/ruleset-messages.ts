import { GroupSocket } from './group-socket.ts';

/** linux/netlink.h. */
const NETLINK_NETFILTER = 12;

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

/** What the kernel says of changes to what a helper has set: nftables rulesets, those by iptables-nft among them, or routes. */
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
 * Has the kernel tell of changes to its packet filter; nobody else's process is woken by them, and ours only by a change
 * (native-notes/foreign-rule-changes.md). Needs CAP_NET_ADMIN.
 *
 * @throws Error with what was refused and errno
 */
export function openRulesetMessages(onMessages: () => void): RulesetMessages {
  return openDeletionMessages(GroupSocket.open(NETLINK_NETFILTER, GROUPS), readMessages, onMessages);
}

/** Has what comes at a socket, which is the messages' from now on, read as deletions. @param readPacket adds those of one packet */
export function openDeletionMessages(
  socket: GroupSocket,
  readPacket: (bytes: Buffer, deletions: RulesetDeletion[]) => void,
  onMessages: () => void,
): RulesetMessages {
  const bytes = Buffer.alloc(READ_BYTES);
  return {
    listen: () => socket.listen(onMessages),
    rest: () => socket.rest(),
    hasNews: () => socket.hasMessages(),
    read() {
      const deletions: RulesetDeletion[] = [];
      let isIncomplete = false;
      for (let reads = 0; reads < MAX_READS; reads += 1) {
        const length = socket.read(bytes);
        if (length === 'nothing') return { deletions, isIncomplete };
        // Until all is read the kernel drops more without a word (af_netlink.c, NETLINK_S_CONGESTED): so that is done before a look.
        if (length === 'lost') isIncomplete = true;
        else readPacket(bytes.subarray(0, length), deletions);
      }
      return { deletions, isIncomplete: true };
    },
    close: () => socket.close(),
  };
}

/** Adds what has gone by messages. */
export function readMessages(bytes: Buffer, deletions: RulesetDeletion[]): void {
  for (const [type, body] of messagesIn(bytes)) {
    if (type >> 8 !== NFTABLES || body.length < FAMILY_BYTES) continue;
    const attributes = readAttributes(body.subarray(FAMILY_BYTES));
    if (DELETIONS.has(type & 0xff)) deletions.push(deletionOf(type & 0xff, body[0] ?? 0, attributes));
    else if ((type & 0xff) === NEW_GENERATION) sign(deletions, programOf(attributes));
  }
}

/** Messages as the kernel packs them: each begins with its length in bytes, at the next multiple of four. */
export function* messagesIn(bytes: Buffer): Iterable<readonly [type: number, body: Buffer]> {
  for (let at = 0; at + MESSAGE_HEADER_BYTES <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < MESSAGE_HEADER_BYTES || at + length > bytes.length) return;
    yield [bytes.readUInt16LE(at + 4), bytes.subarray(at + MESSAGE_HEADER_BYTES, at + length)];
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

/** A C string, with any content. */
function textOf(value: Buffer | undefined): string | undefined {
  return value
    ?.toString('latin1')
    .replace(/\0.*$/s, '')
    .replace(/[^ -~]/g, '?');
}
