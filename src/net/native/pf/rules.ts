import { readWrite } from './ioctl-number.ts';
import type { PfDevice } from './pf-device.ts';

/** Where pf keeps rules: those that filter, and those that redirect. The words are those of the anchors that call others. */
export type PfRuleList = 'anchor' | 'rdr-anchor';

/** struct pfioc_rule of one system: the fields before the rule are at the same places everywhere. */
export interface PfRuleLayout {
  readonly bytes: number;
  /** The action of the rule in it. */
  readonly ruleActionAt: number;
}

/** FreeBSD 12 to 15; macOS, and pfSense, by the sizes that sshuttle has for them. Others answer ENODEV. */
export const PF_RULE_LAYOUTS = {
  freebsd: { bytes: 3_040, ruleActionAt: 2_968 },
  darwin: { bytes: 3_104, ruleActionAt: 3_068 },
  pfSense: { bytes: 3_112, ruleActionAt: 3_040 },
} as const satisfies Record<string, PfRuleLayout>;

const GET_RULES = 6;
const CHANGE_RULE = 26;
const BEGIN_ADDRESSES = 51;

/** struct pfioc_pooladdr. */
const POOL_ADDRESS_BYTES = 1_136;

const ACTION_AT = 0;
const TICKET_AT = 4;
const POOL_TICKET_AT = 8;
const NUMBER_AT = 12;
const ANCHOR_AT = 16;
const ANCHOR_CALL_AT = 1_040;
const PATH_BYTES = 1_024;

/** PF_PASS and PF_RDR: what a rule does also says in which list it is. */
const RULE_ACTIONS: Readonly<Record<PfRuleList, number>> = { anchor: 0, 'rdr-anchor': 8 };

/** PF_CHANGE_*. */
const CHANGES = { 'add first': 1, remove: 5, 'get ticket': 6 } as const;

const EINVAL = 22;
const EBUSY = 16;

/** What became of a change of the main ruleset: `outdated`, somebody else has changed it meanwhile. */
export type PfChange =
  | { readonly kind: 'done' }
  | { readonly kind: 'outdated' }
  | { readonly kind: 'refused'; readonly errno: number };

/** How many rules a list has, and a number that is another one after each change. */
export interface PfRuleCount {
  readonly count: number;
  readonly ticket: number;
}

/**
 * Counts the rules of one list of an anchor.
 *
 * @param anchor '' is the main ruleset
 * @returns undefined where there is no such anchor; `refused` where the kernel does not answer that, or has another struct
 */
export function countPfRules(
  device: PfDevice,
  layout: PfRuleLayout,
  anchor: string,
  list: PfRuleList,
): PfRuleCount | 'refused' | undefined {
  const struct = ruleStruct(layout, list);
  struct.write(anchor, ANCHOR_AT, PATH_BYTES - 1, 'latin1');
  const errno = device.ioctl(readWrite(GET_RULES, layout.bytes), struct);
  if (errno === EINVAL) return undefined;
  if (errno !== 0) return 'refused';
  return { count: struct.readUInt32LE(NUMBER_AT), ticket: struct.readUInt32LE(TICKET_AT) };
}

/**
 * Takes the right to make one change of a list of the main ruleset. What is looked up after that, and before the change, holds: the
 * change is `outdated` if somebody else was faster.
 */
export function beginPfChange(
  device: PfDevice,
  layout: PfRuleLayout,
  list: PfRuleList,
): { readonly ticket: number } | { readonly errno: number } {
  const struct = ruleStruct(layout, list);
  struct.writeUInt32LE(CHANGES['get ticket'], ACTION_AT);
  const errno = change(device, layout, struct);
  return errno === 0 ? { ticket: struct.readUInt32LE(TICKET_AT) } : { errno };
}

/** Has the main ruleset call an anchor, before all other rules of that list. */
export function addAnchorCall(
  device: PfDevice,
  layout: PfRuleLayout,
  list: PfRuleList,
  call: { readonly ticket: number; readonly anchor: string },
): PfChange {
  // A rule has a pool of addresses, though this one's stays empty.
  const pool = Buffer.alloc(POOL_ADDRESS_BYTES);
  const errno = device.ioctl(readWrite(BEGIN_ADDRESSES, POOL_ADDRESS_BYTES), pool);
  if (errno !== 0) return { kind: 'refused', errno };
  const struct = ruleStruct(layout, list);
  struct.writeUInt32LE(CHANGES['add first'], ACTION_AT);
  struct.writeUInt32LE(call.ticket, TICKET_AT);
  struct.writeUInt32LE(pool.readUInt32LE(TICKET_AT), POOL_TICKET_AT);
  struct.write(call.anchor, ANCHOR_CALL_AT, PATH_BYTES - 1, 'latin1');
  return changeOf(change(device, layout, struct));
}

/** Removes one rule of the main ruleset by its number there. */
export function removeMainRule(
  device: PfDevice,
  layout: PfRuleLayout,
  list: PfRuleList,
  rule: { readonly ticket: number; readonly number: number },
): PfChange {
  const struct = ruleStruct(layout, list);
  struct.writeUInt32LE(CHANGES.remove, ACTION_AT);
  struct.writeUInt32LE(rule.ticket, TICKET_AT);
  struct.writeUInt32LE(rule.number, NUMBER_AT);
  return changeOf(change(device, layout, struct));
}

function ruleStruct(layout: PfRuleLayout, list: PfRuleList): Buffer {
  const struct = Buffer.alloc(layout.bytes);
  struct.writeUInt32LE(RULE_ACTIONS[list], layout.ruleActionAt);
  return struct;
}

function change(device: PfDevice, layout: PfRuleLayout, struct: Buffer): number {
  return device.ioctl(readWrite(CHANGE_RULE, layout.bytes), struct);
}

/** A ticket that is not the last one is EINVAL, one of a pool EBUSY. */
function changeOf(errno: number): PfChange {
  if (errno === 0) return { kind: 'done' };
  return errno === EINVAL || errno === EBUSY ? { kind: 'outdated' } : { kind: 'refused', errno };
}
