import { PF_LISTENERS } from '../../../rules/pf/pf-anchor.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import type { PfMachine } from './pf-machine.ts';
import type { PfRecord, PfRecords } from './pf-records.ts';

const ADDRESS = PF_LISTENERS[6];

/**
 * Gives lo0 the address at which listeners for IPv6 are: it has to be there before they are. It is the same for all tunnels, so the
 * last one takes it away.
 *
 * @throws RefusedError, as where the machine has no IPv6
 */
export async function addAlias(machine: PfMachine, records: PfRecords, own: PfRecord): Promise<void> {
  await records.alone(async () => {
    own.write({ ...own.holdings, hasAlias: true });
    const added = await machine.ifconfig(['lo0', 'inet6', ADDRESS, 'prefixlen', '128', 'alias']);
    if (added.kind === 'done') return;
    own.write({ ...own.holdings, hasAlias: false });
    throw new RefusedError(added.reason);
  });
}

/** Undoes {@link addAlias}. Idempotent. @throws RefusedError */
export async function removeAlias(machine: PfMachine, records: PfRecords, own: PfRecord): Promise<void> {
  if (!own.holdings.hasAlias) return;
  await records.alone(async () => {
    const isNeeded = records
      .others(own)
      .some(({ state, holdings }) => state === 'alive' && 'hasAlias' in holdings && holdings.hasAlias);
    if (!isNeeded && (await isThere(machine))) {
      const removed = await machine.ifconfig(['lo0', 'inet6', ADDRESS, '-alias']);
      if (removed.kind === 'refused') throw new RefusedError(removed.reason);
    }
    own.write({ ...own.holdings, hasAlias: false });
  });
}

async function isThere(machine: PfMachine): Promise<boolean> {
  const shown = await machine.ifconfig(['lo0', 'inet6']);
  if (shown.kind === 'refused') throw new RefusedError(shown.reason);
  return new RegExp(`^\\s*inet6 ${ADDRESS}(?:\\s|$)`, 'm').test(shown.output);
}
