import { formatRuleOwner, type OwnedPlan, type RuleOwner } from '../redirect-plan.ts';
import { renderDisguise, renderDisguiseReset } from './nft-disguise.ts';
import {
  isDiverted,
  renderDiversion,
  renderDiversionReset,
  renderDivertedCapture,
  renderMarkChain,
} from './nft-diversion.ts';
import { renderIncoming, renderIncomingReset } from './nft-incoming-chains.ts';
import { renderOutput, renderOutputReset } from './nft-output-chain.ts';
import {
  EXEMPT_PORT_SET,
  exemptElements,
  exemptPorts,
  mapName,
  mapsOf,
  renderExemptSet,
  renderMaps,
  renderPortSet,
  replaceElements,
} from './nft-sets.ts';
import {
  renderCapture,
  renderRefusal,
  renderRefusalReset,
  renderUdpSets,
  replaceUdpSets,
} from './nft-udp.ts';

/**
 * Renders redirect plans for nft(8). Pure; nothing here runs anything (native-notes/nft.md).
 *
 * One table holds everything of one tunnel. Each text is one transaction: the kernel takes all of it or nothing. Rules
 * change at one instant, maps do not: one that comes or goes in the same transaction as the rules that ask it fails
 * some packets. A plan that replaces another therefore takes three: its maps, its rules, the removal of the old maps.
 */

/** What the table says of itself. */
export interface NftTableOptions {
  /** {@link formatInstance} of the helper; names an empty chain, which every version of nft can hold and list. */
  readonly instance: string;
  /** `owner`: the kernel removes the table when the process that made it ends (`flags owner`, kernel 5.12). */
  readonly lifetime: 'owner' | 'until-removed';
  /** The table is there, and ours: the kernel takes another mention of one with an owner for an attempt to clear that. */
  readonly isAnnounced?: boolean;
}

/** What the names of our tables begin with; {@link formatRuleOwner} follows. */
export const TABLE_PREFIX = 'tshuttle-';
/** What the name of the chain that carries the instance begins with. */
export const INSTANCE_PREFIX = 'helper-';

/** `inet tshuttle-USER-PORT`: the table of the tunnel whose listener has this port. */
export function nftTable(owner: RuleOwner): string {
  return `inet ${TABLE_PREFIX}${formatRuleOwner(owner)}`;
}

/** Renders the transaction that makes the tunnel's table, in place of one that a dead instance may have left. */
export function renderNft(plan: OwnedPlan, options: NftTableOptions): string {
  const table = nftTable(plan);
  return textOf([
    ...renderTableStart(table, options),
    ...plan.families.flatMap((family) => renderExemptSet(family, plan.exempt)),
    ...renderPortSet(EXEMPT_PORT_SET, exemptPorts(plan)),
    ...renderUdpSets(plan),
    ...renderMaps(plan, FIRST_GENERATION),
    ...renderMarkChain(plan),
    ...(isDiverted(plan) ? renderDivertedCapture(plan) : renderCapture(plan)),
    ...renderRefusal(plan),
    ...renderChains(plan, FIRST_GENERATION),
    ...renderIncoming(plan, FIRST_GENERATION),
    ...renderDisguise(plan),
    '}',
  ]);
}

/** Renders the transaction that makes the table of a diversion without a rule: it says whose it is, and which mark it will have. */
export function renderNftAnnouncement(plan: OwnedPlan, options: NftTableOptions): string {
  return textOf([...renderTableStart(nftTable(plan), options), ...renderMarkChain(plan), '}']);
}

function renderTableStart(
  table: string,
  { instance, lifetime, isAnnounced = false }: NftTableOptions,
): string[] {
  return [
    // `delete` fails where there is no table.
    ...(isAnnounced ? [] : [`add table ${table}`]),
    `delete table ${table}`,
    `table ${table} {`,
    ...renderFlags(lifetime),
    `  chain ${INSTANCE_PREFIX}${instance} {`,
    '  }',
  ];
}

function renderChains(plan: OwnedPlan, generation: number): string[] {
  return isDiverted(plan) ? renderDiversion(plan, generation) : renderOutput(plan, generation);
}

/** The generation of the plan that {@link renderNft} was given; each replacement counts one up. */
export const FIRST_GENERATION = 1;

/** A plan that is to replace another. */
export interface NftReplacement extends Pick<NftTableOptions, 'lifetime'> {
  readonly plan: OwnedPlan;
  readonly generation: number;
}

/** Renders the first of three transactions: the maps of the new plan, which no rule asks yet. */
export function renderNftMaps({ plan, lifetime, generation }: NftReplacement): string {
  return textOf([
    `table ${nftTable(plan)} {`,
    // The kernel takes a mention of the table without its flag for an attempt to clear it.
    ...renderFlags(lifetime),
    ...plan.families.flatMap((family) => renderExemptSet(family, [])),
    ...renderPortSet(EXEMPT_PORT_SET, []),
    ...renderUdpSets({ ...plan, exempt: [], udpInUse: [] }),
    ...renderMaps(plan, generation),
    '}',
  ]);
}

/** Renders the second: the rules that ask the new maps, in place of those of the plan before, which ask the old. */
export function renderNftSwitch(
  { plan, lifetime, generation }: NftReplacement,
  before: Pick<OwnedPlan, 'alsoFrom' | 'diversion'>,
): string {
  const table = nftTable(plan);
  const rules = textOf([
    ...(isDiverted(plan) ? renderDiversionReset(table, plan) : renderOutputReset(table, plan)),
    ...renderRefusalReset(table, plan),
    ...renderIncomingReset(table, before),
    ...renderDisguiseReset(table, plan),
    `table ${table} {`,
    ...renderFlags(lifetime),
    ...(isDiverted(plan) ? renderDivertedCapture(plan) : renderCapture(plan)),
    ...renderRefusal(plan),
    ...renderChains(plan, generation),
    ...renderIncoming(plan, generation),
    ...renderDisguise(plan),
    '}',
  ]);
  const exempt = plan.families.flatMap((family) =>
    replaceElements(`${table} exempt${family}`, exemptElements(plan.exempt, family)),
  );
  const ports = replaceElements(`${table} ${EXEMPT_PORT_SET}`, exemptPorts(plan));
  return rules + textOf([...ports, ...exempt, ...replaceUdpSets(table, plan)]);
}

/** Renders the third: the removal of the maps that no rule asks any more; empty when that plan had none. */
export function renderNftStale({ plan, generation }: Omit<NftReplacement, 'lifetime'>): string {
  return textOf(
    mapsOf(plan).map(
      ({ index, family }) => `delete map ${nftTable(plan)} ${mapName(generation, index, family)}`,
    ),
  );
}

/**
 * Renders the removal of a table that exists.
 *
 * @param instance the one that must hold it: the kernel refuses all of it where another one has replaced the table meanwhile
 */
export function renderNftRemoval(owner: RuleOwner, instance?: string): string {
  const table = nftTable(owner);
  const mark = instance === undefined ? [] : [`delete chain ${table} ${INSTANCE_PREFIX}${instance}`];
  return textOf([...mark, `delete table ${table}`]);
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function renderFlags(lifetime: NftTableOptions['lifetime']): string[] {
  return lifetime === 'owner' ? ['  flags owner'] : [];
}
