import { messageOf } from '../../../../core/errors.ts';
import { formatRuleOwner, type OwnedPlan, type RuleOwner } from '../../../rules/redirect-plan.ts';
import type { LeftZone } from '../../../rules/resolver-files.ts';
import { resolverFileText } from '../../resolver/resolver-file-text.ts';
import { ResolverFolder } from '../../resolver/resolver-folder.ts';
import type { FoundTunnel } from '../backend/method-driver.ts';
import { RefusedError } from '../backend/rule-backend.ts';
import type { PfMachine } from './pf-machine.ts';
import type { PfRecord, PfRecords } from './pf-records.ts';

/** The files by which this system asks a tunnel about zones; undefined where it has none such. */
function resolverFolderOf({ resolverFolder, stateFolder }: PfMachine): ResolverFolder | undefined {
  return resolverFolder === undefined ? undefined : new ResolverFolder(resolverFolder, stateFolder);
}

/**
 * Has a file for each zone of a plan, and for no other; each stands in the record before it is made. A zone that has none of ours is no
 * failure: its queries are captured.
 */
export function applyZoneFiles(
  machine: PfMachine,
  records: PfRecords,
  record: PfRecord,
  plan: OwnedPlan,
): readonly LeftZone[] {
  const folder = resolverFolderOf(machine);
  if (folder === undefined) return [];
  const { zones = [], port = 0 } = plan.resolverFiles ?? {};
  const others = zonesOfOthers(records, record);
  // What is in force is: one that is left stays in the record, and is removed by the next plan or at the end.
  for (const refusal of releaseZones(folder, record, plan, (zone) => !zones.includes(zone)))
    machine.warn(`a file that is needed no more is still there: ${refusal}`);
  const text = resolverFileText(plan, port);
  return zones.flatMap((zone): readonly LeftZone[] => {
    if (others.has(zone)) return [{ zone, why: 'other tunnel' }];
    try {
      return hasFile(folder, record, plan, zone, text) ? [] : [{ zone, why: 'foreign file' }];
    } catch (error) {
      machine.warn(`no file for the zone ${zone}, whose queries are captured: ${messageOf(error)}`);
      return [{ zone, why: 'refused' }];
    }
  });
}

function hasFile(
  folder: ResolverFolder,
  record: PfRecord,
  owner: RuleOwner,
  zone: string,
  text: string,
): boolean {
  const seen = folder.see(zone);
  if (seen.kind === 'foreign') return false;
  if (seen.kind === 'ours') {
    if (seen.text === text && record.holdings.zones.includes(zone)) return true;
    // Of ours before, or of one that has died: nobody who lives has written it down.
    folder.remove(zone, seen.owner);
  }
  if (!record.holdings.zones.includes(zone))
    record.write({ ...record.holdings, owner: ownerOf(owner), zones: [...record.holdings.zones, zone] });
  return folder.create(zone, text);
}

function ownerOf({ userId, listenerPort }: RuleOwner): RuleOwner {
  return { userId, listenerPort };
}

function zonesOfOthers(records: PfRecords, own: PfRecord): ReadonlySet<string> {
  return new Set(
    records
      .others(own)
      .flatMap(({ state, holdings }) => (state === 'alive' && 'zones' in holdings ? holdings.zones : [])),
  );
}

/** Removes the files that a record says are there, as far as the system lets us. @throws RefusedError with every reason */
export function releaseZoneFiles(machine: PfMachine, record: PfRecord): void {
  const { owner } = record.holdings;
  const folder = resolverFolderOf(machine);
  if (folder === undefined || owner === undefined || record.holdings.zones.length === 0) return;
  const refusals = releaseZones(folder, record, owner, () => true);
  folder.removeIfEmpty();
  if (refusals.length > 0) throw new RefusedError(refusals.join('; '));
}

/** @returns why some are left, which stay in the record */
function releaseZones(
  folder: ResolverFolder,
  record: PfRecord,
  owner: RuleOwner,
  isOver: (zone: string) => boolean,
): readonly string[] {
  const refusals: string[] = [];
  const left = record.holdings.zones.filter((zone) => {
    if (!isOver(zone)) return true;
    try {
      folder.remove(zone, owner);
      return false;
    } catch (error) {
      refusals.push(`${folder.pathOf(zone)}: ${messageOf(error)}`);
      return true;
    }
  });
  if (left.length < record.holdings.zones.length) record.write({ ...record.holdings, zones: left });
  return refusals;
}

/** Files of ours that no record tells of: the system forgets records when it starts, and keeps files. @param known owners with records */
export function filesWithoutRecord(machine: PfMachine, known: ReadonlySet<string>): readonly FoundTunnel[] {
  const folder = resolverFolderOf(machine);
  const files = folder?.ours().filter(({ owner }) => !known.has(formatRuleOwner(owner))) ?? [];
  return files.map(({ zone, owner }) => ({
    name: `the file ${folder?.pathOf(zone)}`,
    holder: 'dead',
    remove: async () => {
      folder?.remove(zone, owner);
      folder?.removeIfEmpty();
    },
  }));
}
