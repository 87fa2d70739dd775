import { release } from 'node:os';
import { messageOf } from '../../../../core/errors.ts';
import type { IpFamily } from '../../../../net/address/literal.ts';
import { renderPf } from '../../../rules/pf/pf.ts';
import { parsePfAnchors, pfAnchor } from '../../../rules/pf/pf-anchor.ts';
import type { CandidateOf } from '../../../rules/redirect-methods.ts';
import { formatRuleOwner, type RuleOwner } from '../../../rules/redirect-plan.ts';
import type { ProbeFact } from '../../../rules/select.ts';
import type { FoundTunnel, FoundTunnels, MethodDriver } from '../backend/method-driver.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { shorten } from '../backend/run-tool.ts';
import { samplePlan } from '../backend/sample-plan.ts';
import { missingCall } from './anchor-call.ts';
import { isPfEnabled } from './enable-reference.ts';
import { PfBackend } from './pf-backend.ts';
import { mustPfctl, type PfMachine, thisPfMachine } from './pf-machine.ts';
import { PfRecords, type SeenPfRecord } from './pf-records.ts';
import { flushAnchor, releaseAll } from './release.ts';
import { filesWithoutRecord } from './zone-files.ts';

type PfCandidate = CandidateOf<'pf'>;

/** One anchor of pf for each tunnel, on macOS and FreeBSD. */
export const PF_DRIVER: MethodDriver<PfCandidate> = pfDriver(thisPfMachine);

/** @param machineHere what it works on, or the name of what that lacks */
export function pfDriver(
  machineHere: () => PfMachine | { readonly missing: string },
): MethodDriver<PfCandidate> {
  return {
    async probe(candidate, families) {
      const machine = machineHere();
      if ('missing' in machine) return { kind: 'absent', candidate, missing: machine.missing };
      return await probe(machine, candidate, families);
    },
    async open() {
      const machine = machineHere();
      if ('missing' in machine) throw new RefusedError(`${machine.missing} is not installed`);
      return await PfBackend.open(machine, new PfRecords(machine.stateFolder));
    },
    async findTunnels() {
      const machine = machineHere();
      return 'missing' in machine ? { tunnels: [], unread: [] } : await findTunnels(machine);
    },
  };
}

async function probe(
  machine: PfMachine,
  candidate: PfCandidate,
  families: readonly IpFamily[],
): Promise<ProbeFact> {
  const plan = samplePlan(families);
  const anchor = pfAnchor(plan, machine.platform);
  try {
    const info = await mustPfctl(machine, ['-s', 'info']);
    if (machine.platform === 'freebsd' && !isPfEnabled(info))
      throw new RefusedError('pf is disabled; enable it, with rules of yours, as root: service pf onestart');
    await mustPfctl(machine, ['-n', '-a', anchor, '-f', '-'], renderPf(plan));
    const missing = machine.platform === 'darwin' ? await missingCall(machine, anchor) : undefined;
    if (missing !== undefined)
      throw new RefusedError(`${missing}; load the rules of macOS, as root: pfctl -f /etc/pf.conf`);
    return { kind: 'usable', candidate, version: `${machine.platform} ${release()}`, families };
  } catch (error) {
    return { kind: 'refused', candidate, reason: shorten(messageOf(error)) };
  }
}

async function findTunnels(machine: PfMachine): Promise<FoundTunnels> {
  const records = new PfRecords(machine.stateFolder);
  const unread: string[] = [];
  let seen: readonly SeenPfRecord[];
  try {
    seen = records.others();
  } catch (error) {
    return { tunnels: [], unread: [`what helpers have written down about pf: ${messageOf(error)}`] };
  }
  const tunnels: FoundTunnel[] = [];
  const known = new Set<string>();
  for (const record of seen) {
    const { holdings } = record;
    if ('unread' in holdings) {
      unread.push(`${machine.stateFolder}/${record.name}: ${holdings.unread}`);
      continue;
    }
    const anchor = holdings.owner === undefined ? undefined : pfAnchor(holdings.owner, machine.platform);
    if (holdings.owner !== undefined) known.add(formatRuleOwner(holdings.owner));
    tunnels.push({
      name: anchor === undefined ? `what process ${record.pid} holds of pf` : `pf anchor ${anchor}`,
      holder: record.state,
      remove: () => removeDead(machine, records, record.name),
    });
  }
  try {
    tunnels.push(...filesWithoutRecord(machine, known), ...(await withoutRecord(machine, known)));
  } catch (error) {
    unread.push(`what no helper has written down: ${messageOf(error)}`);
  }
  return { tunnels, unread };
}

async function removeDead(machine: PfMachine, records: PfRecords, name: string): Promise<void> {
  const record = await records.takeOver(name);
  try {
    if (record !== undefined) await releaseAll(machine, records, record);
  } finally {
    record?.close();
  }
}

/** Anchors of ours that no record tells of: every helper has one for as long as it lives, so nobody holds them. */
async function withoutRecord(
  machine: PfMachine,
  known: ReadonlySet<string>,
): Promise<readonly FoundTunnel[]> {
  const within = machine.platform === 'darwin' ? ['-a', 'com.apple'] : [];
  const listed = await machine.pfctl([...within, '-s', 'Anchors']);
  if (listed.kind === 'refused') {
    // A kernel without pf has no anchors.
    if (listed.reason.includes('No such file or directory')) return [];
    throw new RefusedError(listed.reason);
  }
  const owners = parsePfAnchors(listed.output, machine.platform).filter(
    (owner) => !known.has(formatRuleOwner(owner)),
  );
  const tunnels: FoundTunnel[] = [];
  for (const owner of owners) {
    if (await isEmpty(machine, owner)) continue;
    const anchor = pfAnchor(owner, machine.platform);
    tunnels.push({
      name: `pf anchor ${anchor}`,
      holder: 'dead',
      remove: () => flushAnchor(machine, anchor),
    });
  }
  return tunnels;
}

/** One that is flushed stays listed for a while. */
async function isEmpty(machine: PfMachine, owner: RuleOwner): Promise<boolean> {
  const shown = await machine.pfctl(['-a', pfAnchor(owner, machine.platform), '-s', 'rules']);
  return shown.kind === 'refused' || shown.output.trim() === '';
}
