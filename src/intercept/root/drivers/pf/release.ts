import { messageOf } from '../../../../core/errors.ts';
import { pfAnchor } from '../../../rules/pf/pf-anchor.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import { endAnchorCall } from './anchor-call.ts';
import { releasePf } from './enable-reference.ts';
import { removeAlias } from './loopback-alias.ts';
import { NO_SUCH_ANCHOR, type PfMachine } from './pf-machine.ts';
import type { PfRecord, PfRecords } from './pf-records.ts';
import { releaseZoneFiles } from './zone-files.ts';

/**
 * Undoes what a record says that is done, all but the alias of lo0. What does not succeed stays in the record.
 *
 * @throws RefusedError with every reason
 */
export async function releaseRules(machine: PfMachine, record: PfRecord): Promise<void> {
  const refusals: string[] = [];
  const step = async (undo: () => Promise<void>): Promise<void> => {
    try {
      await undo();
    } catch (error) {
      refusals.push(messageOf(error));
    }
  };
  await step(async () => releaseZoneFiles(machine, record));
  // Without its rules nothing is captured, whatever comes of the rest.
  await step(() => releaseAnchor(machine, record));
  await step(() => releaseToken(machine, record));
  if (refusals.length > 0) throw new RefusedError(refusals.join('; '));
}

/** {@link releaseRules}, then the alias, then the record itself, if nothing is left. @throws RefusedError with every reason */
export async function releaseAll(machine: PfMachine, records: PfRecords, record: PfRecord): Promise<void> {
  const refusals: string[] = [];
  for (const undo of [() => releaseRules(machine, record), () => removeAlias(machine, records, record)]) {
    try {
      await undo();
    } catch (error) {
      refusals.push(messageOf(error));
    }
  }
  if (refusals.length > 0) throw new RefusedError(refusals.join('; '));
  record.remove();
}

async function releaseToken(machine: PfMachine, record: PfRecord): Promise<void> {
  const { token } = record.holdings;
  if (token === undefined) return;
  if (token === 'pending') {
    machine.warn('a helper was killed as it enabled pf, which may stay enabled: see pfctl -s References');
  } else {
    await releasePf(machine, token);
  }
  record.write({ ...record.holdings, token: undefined });
}

async function releaseAnchor(machine: PfMachine, record: PfRecord): Promise<void> {
  const { owner, isCalled } = record.holdings;
  if (owner === undefined) return;
  const anchor = pfAnchor(owner, machine.platform);
  await flushAnchor(machine, anchor);
  if (isCalled) {
    await endAnchorCall(machine, anchor);
    record.write({ ...record.holdings, isCalled: false });
  }
  const isOver = record.holdings.zones.length === 0;
  record.write({ ...record.holdings, owner: isOver ? undefined : owner, forwarderPorts: [] });
}

/** Removes the rules and tables of an anchor. Idempotent. @throws RefusedError */
export async function flushAnchor(machine: PfMachine, anchor: string): Promise<void> {
  const flushed = await machine.pfctl(['-a', anchor, '-F', 'all']);
  if (flushed.kind === 'refused' && !NO_SUCH_ANCHOR.test(flushed.reason))
    throw new RefusedError(flushed.reason);
}
