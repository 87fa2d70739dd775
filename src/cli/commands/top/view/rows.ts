import type { ConnectionOwner } from '../../../../net/machine/connection-owners/connection-owners.ts';
import type { TopFlow } from '../document/top-document.ts';
import type { Throughput } from '../rates.ts';

/** A line of the table: a flow, or all flows of a tunnel to one destination. */
export interface TopRow extends Throughput {
  readonly tunnel: string;
  readonly destination: string;
  /** What stands for the destination's name; empty where nothing does. */
  readonly address: string;
  /** `-` where it is not known. Of several flows each once. */
  readonly program: string;
  readonly pid: string;
  readonly stage: string;
  /** Of several the longest; null while it is not open. */
  readonly openingMs: number | null;
  /** Of several that of the oldest. */
  readonly ageMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly originator: string;
  readonly flows: readonly TopFlow[];
}

/** What is shown where something is not known. */
export const UNKNOWN = '-';

/** A line for each flow. @param ownerOf undefined where nobody can tell */
export function flowRows(
  flows: readonly TopFlow[],
  ownerOf: (flow: TopFlow) => ConnectionOwner | undefined,
): readonly TopRow[] {
  return flows.map((flow) => {
    const owner = ownerOf(flow);
    return {
      tunnel: flow.tunnel,
      destination: flow.destination,
      address: flow.address ?? '',
      program: programWords(owner),
      pid: owner?.kind === 'program' ? String(owner.pid) : '',
      stage: flow.stage,
      openingMs: flow.openingMs ?? null,
      ageMs: flow.ageMs,
      bytesUp: flow.bytesUp,
      bytesDown: flow.bytesDown,
      upBytesPerSec: flow.upBytesPerSec,
      downBytesPerSec: flow.downBytesPerSec,
      originator: flow.originator,
      flows: [flow],
    };
  });
}

function programWords(owner: ConnectionOwner | undefined): string {
  switch (owner?.kind) {
    case 'program':
      return owner.name;
    case 'user':
      return owner.userId === 0 ? 'of root' : `of user ${owner.userId}`;
    case 'machine':
      return owner.address;
    default:
      return UNKNOWN;
  }
}

/** Those in which each word of the filter stands: in the destination, its address, the program, its pid, the originator or the tunnel. */
export function matchingRows(rows: readonly TopRow[], filter: string): readonly TopRow[] {
  const matches = textFilter(filter);
  if (matches === undefined) return rows;
  return rows.filter(({ destination, address, program, pid, originator, tunnel }) =>
    matches(`${destination} ${address} ${program} ${pid} ${originator} ${tunnel}`),
  );
}

/** Whether each word of a filter stands in a text, upper case or lower; undefined for a filter without words. */
export function textFilter(filter: string): ((text: string) => boolean) | undefined {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  return (text) => {
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
}

/** Programs of one destination that are named. */
const MAX_PROGRAMS = 4;

/** A line for each destination of a tunnel. */
export function groupedRows(rows: readonly TopRow[]): readonly TopRow[] {
  const groups = new Map<string, TopRow[]>();
  for (const row of rows) {
    const key = `${row.tunnel} ${row.destination}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()].map(groupOf);
}

function groupOf(rows: readonly TopRow[]): TopRow {
  const first = rows[0]!;
  const sum = (of: (row: TopRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const longest = rows.reduce((most, { openingMs }) => Math.max(most, openingMs ?? -1), -1);
  return {
    tunnel: first.tunnel,
    destination: first.destination,
    address: first.address,
    program: named(rows.map(({ program }) => program)),
    pid: only(rows.map(({ pid }) => pid)),
    stage: stageOf(rows),
    openingMs: longest < 0 ? null : longest,
    ageMs: rows.reduce((oldest, { ageMs }) => Math.max(oldest, ageMs), 0),
    bytesUp: sum(({ bytesUp }) => bytesUp),
    bytesDown: sum(({ bytesDown }) => bytesDown),
    upBytesPerSec: sum(({ upBytesPerSec }) => upBytesPerSec),
    downBytesPerSec: sum(({ downBytesPerSec }) => downBytesPerSec),
    originator: only(rows.map(({ originator }) => originator)),
    flows: rows.flatMap(({ flows }) => flows),
  };
}

function named(programs: readonly string[]): string {
  const known = [...new Set(programs)].filter((program) => program !== UNKNOWN).sort();
  if (known.length === 0) return UNKNOWN;
  return known.length <= MAX_PROGRAMS ? known.join(', ') : `${known.slice(0, MAX_PROGRAMS).join(', ')}, ..`;
}

function only(texts: readonly string[]): string {
  return new Set(texts).size === 1 ? texts[0]! : '';
}

/** `open`, or how many are not. */
function stageOf(rows: readonly TopRow[]): string {
  const held = rows.filter(({ stage }) => stage === 'held').length;
  const opening = rows.filter(({ stage }) => stage === 'opening').length;
  if (held > 0) return `${held} held`;
  return opening > 0 ? `${opening} opening` : 'open';
}
