import pc from 'picocolors';
import { sharedNetworks } from '../../app/keep-up/shared-networks.ts';
import type { ErrorCode } from '../../core/errors.ts';
import type { SilentDaemon } from '../../daemon/control/client.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { describeAgreement } from '../../ssh/agreement.ts';
import type { TunnelState } from '../../tunnel/status/state.ts';
import {
  type FailureCause,
  type FailureCount,
  failsAll,
  type ShownError,
  type TunnelStatus,
} from '../../tunnel/status/status.ts';
import { formatBytes, formatDuration } from './quantities.ts';
import { renderTable } from './table.ts';

/** The text of `tshuttle status`: a line for each tunnel, and below it notes about some. */
export function renderStatus(
  reports: readonly TunnelReport[],
  silent: readonly SilentDaemon[],
  nowMs: number,
  colours: Pick<typeof pc, 'green' | 'yellow' | 'red' | 'bold'> = pc,
): string {
  if (reports.length === 0 && silent.length === 0) return 'no tunnel is up\n';
  const rows = reports.map((report) => [colours.bold(report.name), ...cells(report, nowMs, colours)]);
  // The widest comes last: where the terminal is narrow, nothing else is wrapped.
  const head = ['NAME', 'STATE', 'SINCE', 'RTT', 'FLOWS', 'HELD', 'TOTAL', 'UP', 'DOWN', 'BASTION'];
  const table = reports.length === 0 ? '' : renderTable(head, rows);
  const notes = [
    ...reports.flatMap((report) => notesOf(report, nowMs)),
    ...sharedNetworks(reports),
    ...silent.map(describeSilent),
  ];
  return notes.length === 0 ? table : `${table}\n${notes.map((note) => `${note}\n`).join('')}`;
}

function cells(
  { status }: TunnelReport,
  nowMs: number,
  colours: Pick<typeof pc, 'green' | 'yellow' | 'red'>,
): string[] {
  if (status === null) return [colours.yellow('opening'), ...Array.from({ length: 8 }, () => '-')];
  const { state, flows } = status;
  const isFine = state.kind === 'up' && !failsAll(status) && status.captureProblems.length === 0;
  const colour = isFine ? colours.green : state.kind === 'stopped' ? colours.red : colours.yellow;
  return [
    colour(stateWord(status)),
    formatDuration(nowMs - state.sinceMs),
    status.roundTripMs === null ? '-' : `${Math.round(status.roundTripMs)} ms`,
    String(flows.now),
    String(flows.held),
    String(flows.total),
    formatBytes(status.bytesUp),
    formatBytes(status.bytesDown),
    status.bastion,
  ];
}

/** A state in a word, or two: a tunnel that is up, and of which no connection has come to anything, is not merely up. */
export function stateWord(status: Pick<TunnelStatus, 'state' | 'flows' | 'failures'>): string {
  const { state } = status;
  return state.kind === 'up' && failsAll(status) ? 'all fail' : wordOf(state);
}

function wordOf(state: TunnelState): string {
  if (state.kind === 'uncaptured') return 'no rules';
  if (state.kind !== 'waiting') return state.kind;
  switch (state.for.kind) {
    case 'backoff':
      return 'waiting';
    case 'parked':
      return 'parked';
    case 'user':
      return 'needs login';
  }
}

function notesOf({ name, captured, status }: TunnelReport, nowMs: number): string[] {
  const notes: string[] = captured === null ? [] : [`${name}: ${captured}`];
  if (status === null) return notes;
  const { state, lastError, advice, reconnects, algorithms } = status;
  notes.push(...bastionLines(name, status.bastions ?? []));
  if (algorithms !== null) notes.push(`${name}: encrypted by ${describeAgreement(algorithms)}`);
  if (state.kind === 'uncaptured')
    notes.push(`${name}: there are no redirect rules: connections go past the tunnel`);
  if (state.kind === 'waiting' && state.for.kind === 'backoff') {
    notes.push(`${name}: tries again in ${formatDuration(state.for.retryAtMs - nowMs)}`);
  }
  if (reconnects > 0)
    notes.push(`${name}: connected again ${reconnects} ${reconnects === 1 ? 'time' : 'times'}`);
  notes.push(...status.failures.flatMap((failure) => failureLines(name, failure, advice, nowMs)));
  notes.push(...namesLines(name, status.names));
  for (const { what, remedy } of status.captureProblems) notes.push(`${name}: ! ${what}`, `    ${remedy}`);
  if (lastError !== null) {
    const { message, remedy, atMs } = lastError;
    notes.push(`${name}: last error, ${formatDuration(nowMs - atMs)} ago: ${message}`);
    const isSaidBelow =
      beforeLogin(lastError) !== '' && state.kind === 'waiting' && state.for.kind === 'user';
    if (remedy !== null && remedy !== advice && !isSaidBelow) notes.push(`    ${remedy}`);
  }
  if (state.kind === 'waiting' && state.for.kind === 'user')
    notes.push(`${name}: do this: ${beforeLogin(lastError)}tshuttle login ${name}`);
  else if (advice !== null) notes.push(`${name}: do this: ${advice}`);
  return notes;
}

/** Which of several it is, and why not one before it. */
function bastionLines(name: string, bastions: NonNullable<TunnelStatus['bastions']>): readonly string[] {
  const used = bastions.findIndex(({ isUsed }) => isUsed);
  if (used < 0) return [];
  const others = bastions.filter(({ isUsed }) => !isUsed);
  const standing = others.map(
    ({ bastion, lastError }) => `${bastion}${lastError === null ? ' stands by' : ` (${lastError})`}`,
  );
  return [`${name}: bastion ${used + 1} of ${bastions.length}; ${standing.join('; ')}`];
}

/** What must be done first: a login changes nothing where it was not the login that failed, such as a changed host key. */
function beforeLogin(lastError: ShownError | null): string {
  if (lastError === null || lastError.remedy === null || !LOGIN_CANNOT_HELP.has(lastError.code)) return '';
  return `${lastError.remedy}; then: `;
}

const LOGIN_CANNOT_HELP: ReadonlySet<ErrorCode> = new Set(['ERR_HOST_KEY', 'ERR_CONFIG', 'ERR_USAGE']);

/** How connections ended, for people. */
const FAILURES: Readonly<Record<FailureCause, string>> = {
  refused: 'refused by the destination',
  prohibited: 'refused by the bastion, which prohibits forwarding',
  'unknown-name': 'to a name that could not be resolved',
  unreachable: 'to what cannot be reached from the bastion',
  'bastion-lost': 'lost with the bastion, or not carried while it was away',
  'own-descriptors': 'reset because tshuttle was out of file descriptors',
  'bastion-descriptors': 'refused because the bastion was out of file descriptors',
  other: 'failed for another reason',
};

function failureLines(
  name: string,
  { cause, count, lastAtMs, lastDestination, advice }: FailureCount,
  shownAdvice: string | null,
  nowMs: number,
): string[] {
  const what = `${count} ${count === 1 ? 'connection' : 'connections'} ${FAILURES[cause]}`;
  const last = lastDestination === null ? 'the last' : `the last, ${lastDestination},`;
  const line = `${name}: ! ${what}; ${last} ${formatDuration(nowMs - lastAtMs)} ago`;
  return advice === null || advice === shownAdvice ? [line] : [line, `    ${advice}`];
}

/** More is taken before so much of what there is is in use. */
const NEARLY_ALL = 0.9;

function namesLines(name: string, names: TunnelStatus['names']): string[] {
  if (names === null) return [];
  const { inUse, capacity, refused } = names;
  if (refused === 0 && inUse < capacity * NEARLY_ALL) return [];
  const queries =
    refused === 0
      ? ''
      : `; ${refused} ${refused === 1 ? 'query' : 'queries'} answered SERVFAIL for want of one`;
  return [
    `${name}: ! ${inUse} of the ${capacity} addresses for names in zones are in use${queries}`,
    '    have a larger network by --synthetic-range',
  ];
}

function describeSilent({ path, pid, isOwn, reason }: SilentDaemon): string {
  const remedy = isOwn ? ' (end it: tshuttle down --all)' : '';
  return `${pid === undefined ? path : `process ${pid}`}: ${reason}${remedy}`;
}
