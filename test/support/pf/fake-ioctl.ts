import { endpointOfBytes } from '../../../src/net/address/endpoint.ts';
import { addressBytes } from '../../../src/net/address/literal.ts';
import { NATLOOK_LAYOUTS } from '../../../src/net/native/pf/natlook.ts';
import { PF_RULE_LAYOUTS } from '../../../src/net/native/pf/rules.ts';
import type { FakeKernel, FakeRules, FakeRuleset } from './fake-pf.ts';

const E2BIG = 7;
const ENOENT = 2;
const EBUSY = 16;
const ENODEV = 19;
const EINVAL = 22;

const BEGIN_ADDRESSES = 0xc470_4433;

/** What /dev/pf does for a request: error numbers as recorded, ENODEV for all that this system does not have. */
export function fakeIoctl(kernel: FakeKernel, request: number, struct: Buffer): number {
  const ruleBytes = PF_RULE_LAYOUTS[kernel.platform].bytes;
  const ruleRequest = 0xc000_0000 + (ruleBytes << 16) + 0x4400;
  switch (request) {
    case NATLOOK_LAYOUTS[kernel.platform].request:
      return natlook(kernel, struct);
    case ruleRequest + 6:
      return getRules(kernel, struct);
    case ruleRequest + 26:
      return changeRule(kernel, struct);
    case BEGIN_ADDRESSES:
      kernel.poolTicket += 1;
      struct.writeUInt32LE(kernel.poolTicket, 4);
      return 0;
    default:
      return ENODEV;
  }
}

function natlook(kernel: FakeKernel, struct: Buffer): number {
  const layout = NATLOOK_LAYOUTS[kernel.platform];
  const isIpv4 = struct.readUInt8(layout.familyAt) === 2;
  const endpoint = (at: number, portAt: number) =>
    endpointOfBytes(struct.subarray(at, at + (isIpv4 ? 4 : 16)), struct.readUInt16BE(portAt));
  const originator = endpoint(0, layout.sourcePortAt);
  const listener = endpoint(16, layout.destinationPortAt);
  if (originator === undefined || listener === undefined) return EINVAL;
  if (kernel.natlookErrno !== 0) return kernel.natlookErrno;
  // PF_OUT: asked the other way round, nothing is found.
  if (struct.readUInt8(layout.directionAt) !== 2) return ENOENT;
  const found = kernel.states.filter(
    (state) =>
      state.originator.address === originator.address &&
      state.originator.port === originator.port &&
      state.listener.address === listener.address &&
      state.listener.port === listener.port,
  );
  const [state] = found;
  if (state === undefined) return ENOENT;
  if (found.length > 1) return E2BIG;
  struct.copy(struct, 32, 0, 16);
  addressBytes(state.destination.address).copy(struct, 48);
  struct.writeUInt16BE(state.destination.port, layout.originalPortAt);
  return 0;
}

function listOf(kernel: FakeKernel, ruleset: FakeRuleset, struct: Buffer): FakeRules | undefined {
  const action = struct.readUInt32LE(PF_RULE_LAYOUTS[kernel.platform].ruleActionAt);
  return { 0: ruleset.filter, 8: ruleset.rdr }[action];
}

function getRules(kernel: FakeKernel, struct: Buffer): number {
  const path = textAt(struct, 16);
  const ruleset = path === '' ? kernel.main : kernel.anchors[path];
  const list = ruleset === undefined ? undefined : listOf(kernel, ruleset, struct);
  if (list === undefined) return EINVAL;
  struct.writeUInt32LE(list.lines.length, 12);
  struct.writeUInt32LE(list.ticket, 4);
  return 0;
}

function changeRule(kernel: FakeKernel, struct: Buffer): number {
  const list = listOf(kernel, kernel.main, struct);
  const [action, ticket] = [struct.readUInt32LE(0), struct.readUInt32LE(4)];
  if (list === undefined) return EINVAL;
  if (action === 6) {
    list.ticket += 1;
    struct.writeUInt32LE(list.ticket, 4);
    return 0;
  }
  if (action === 1 && struct.readUInt32LE(8) !== kernel.poolTicket) return EBUSY;
  if (ticket !== list.ticket) return EINVAL;
  const name = textAt(struct, 1_040);
  if (action === 1) {
    list.lines.unshift(`${list === kernel.main.rdr ? 'rdr-' : ''}anchor "${name}" all`);
    kernel.anchors[name] ??= {
      rdr: { lines: [], ticket: 0 },
      filter: { lines: [], ticket: 0 },
      tables: [],
    };
  } else {
    const number = struct.readUInt32LE(12);
    if (action !== 5 || number >= list.lines.length) return EINVAL;
    list.lines.splice(number, 1);
  }
  list.ticket += 1;
  return 0;
}

function textAt(struct: Buffer, at: number): string {
  return struct.toString('latin1', at, struct.indexOf(0, at));
}
