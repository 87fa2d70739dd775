import type { ErrorCode } from '../../core/errors.ts';
import type { TunnelReport } from '../../daemon/control/protocol.ts';
import { weaknessesOf } from '../../ssh/agreement.ts';
import type { TunnelState } from '../../tunnel/status/state.ts';
import {
  type FailureCause,
  type FailureCount,
  failsAll,
  type ShownError,
  type TunnelStatus,
} from '../../tunnel/status/status.ts';

/** Whether a tunnel can be relied on now, the better first. The exit codes of `status` and `is-up` are their places here. */
export const HEALTHS = ['up', 'connecting', 'works-badly', 'needs-you', 'down'] as const;

/** One of {@link HEALTHS}: `down` is what has a name and does not run. */
export type Health = (typeof HEALTHS)[number];

/** Something that is wrong with a tunnel that runs, or was; plain data, for JSON. */
export interface TunnelProblem {
  /** For programs. */
  readonly kind:
    | 'login'
    | 'not-connected'
    | 'no-rules'
    | 'not-arriving'
    | 'failures'
    | 'addresses'
    | 'past-error'
    | 'events'
    | 'encryption';
  /** A problem keeps it from working now; a note is worth knowing. */
  readonly level: 'problem' | 'note';
  readonly what: string;
  /** Null when there is nothing to do. */
  readonly remedy: string | null;
  /** When it happened last, in ms since 1970; null for what is so now. */
  readonly lastAtMs: number | null;
}

/** The parts of a report that tell how a tunnel is. */
export type Examined = Pick<TunnelReport, 'name' | 'status' | 'eventProblems'>;

/** How the tunnel is. */
export function healthOf(report: Examined, nowMs: number): Health {
  const { status } = report;
  if (status === null) return 'connecting';
  switch (status.state.kind) {
    case 'connecting':
      return 'connecting';
    case 'uncaptured':
      return 'works-badly';
    case 'stopped':
      return 'needs-you';
    case 'waiting':
      if (status.state.for.kind === 'user') return 'needs-you';
      if (status.state.for.kind === 'backoff') return 'connecting';
      // A bastion that has hung up on an idle connection is connected by the next flow, which notices nothing of it.
      break;
    case 'up':
      break;
  }
  return problemsOf(report, nowMs).some(({ level }) => level === 'problem') ? 'works-badly' : 'up';
}

/** The worst of several; `down` of none. */
export function worstOf(healths: readonly Health[]): Health {
  return HEALTHS[Math.max(...healths.map((health) => HEALTHS.indexOf(health)))] ?? 'down';
}

/** How a tunnel is, in a word or two: one that is up, or idle, and works badly is not merely that. */
export function wordFor({ status, health }: Pick<Examined, 'status'> & { readonly health: Health }): string {
  const word = stateWord(status);
  return health === 'works-badly' && (word === 'up' || word === 'idle') ? 'works badly' : word;
}

/** A state in a word, or two: a tunnel that is up, and has carried no connection although some came, is not merely up. */
export function stateWord(status: Pick<TunnelStatus, 'state' | 'flows' | 'failures'> | null): string {
  if (status === null) return 'opening';
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
      return 'idle';
    case 'user':
      return 'needs login';
  }
}

/**
 * All that is wrong with a tunnel, what decides its health first: the one source for status, doctor, top and explain, of what
 * its log has told as it happened.
 */
export function problemsOf(
  { name, status, eventProblems = [] }: Examined,
  nowMs: number,
): readonly TunnelProblem[] {
  if (status === null) return [];
  return [
    ...stateProblems(name, status),
    ...status.captureProblems.map(({ what, remedy }) => problem('not-arriving', what, remedy)),
    ...status.failures.map((failure, index) =>
      failureProblem(failure, index === 0 && failsAll(status), nowMs),
    ),
    ...addressProblems(status.names),
    ...pastError(status),
    ...eventProblems.map(({ what, remedy, lastAtMs }) => ({ ...note('events', what, remedy), lastAtMs })),
    ...weakness(status),
  ];
}

function stateProblems(name: string, { state, lastError }: TunnelStatus): readonly TunnelProblem[] {
  if (state.kind === 'uncaptured') {
    const what = 'there are no redirect rules: connections go past the tunnel';
    const removal = lastError?.code === 'ERR_RULES_REMOVED' ? lastError : undefined;
    return [
      removal === undefined
        ? problem('no-rules', `${what}; its root helper is being started again`, 'wait, then look again')
        : { ...problem('no-rules', `${what}: ${removal.message}`, removal.remedy), lastAtMs: removal.atMs },
    ];
  }
  if (state.kind === 'waiting' && state.for.kind === 'user') {
    if (state.for.why === 'would ask')
      return [problem('login', 'the bastion asks for something at each login, such as a code', logIn(name))];
    if (lastError === null) return [problem('login', 'the bastion refused the login', logIn(name))];
    return [
      { ...problem('login', lastError.message, logInAfter(name, lastError)), lastAtMs: lastError.atMs },
    ];
  }
  const isOnTheWay =
    state.kind === 'connecting' || (state.kind === 'waiting' && state.for.kind === 'backoff');
  if (!isOnTheWay || lastError === null) return [];
  return [{ ...problem('not-connected', lastError.message, lastError.remedy), lastAtMs: lastError.atMs }];
}

/** What must be done first: a login changes nothing where it was not the login that failed, such as a changed host key. */
function logInAfter(name: string, { code, remedy }: ShownError): string {
  if (remedy === null) return logIn(name);
  return LOGIN_CANNOT_HELP.has(code)
    ? `${remedy}; then: ${logIn(name)}`
    : `${logIn(name)}; if it is refused again: ${remedy}`;
}

const LOGIN_CANNOT_HELP: ReadonlySet<ErrorCode> = new Set(['ERR_HOST_KEY', 'ERR_CONFIG', 'ERR_USAGE']);

function logIn(name: string): string {
  return `tshuttle login ${name}`;
}

/** How connections ended, for people: behind `3 connections`. */
export const FAILURE_WORDS: Readonly<Record<FailureCause, string>> = {
  refused: 'refused by the destination',
  prohibited: 'refused by the bastion, which prohibits forwarding',
  'unknown-name': 'to a name that could not be resolved',
  unreachable: 'to what cannot be reached from the bastion',
  'bastion-lost': 'lost with the bastion, or not carried while it was away',
  'own-descriptors': 'reset because tshuttle was out of file descriptors',
  'bastion-descriptors': 'refused because the bastion was out of file descriptors',
  other: 'failed for another reason',
};

/** Limits that fail whatever comes, wherever it goes. */
const LIMITS: ReadonlySet<FailureCause> = new Set(['own-descriptors', 'bastion-descriptors']);

/** For so long after the last failure a limit is taken to be still there. */
const LIMIT_LASTS_MS = 10 * 60_000;

function failureProblem(
  { cause, count, lastAtMs, lastDestination, advice }: FailureCount,
  isAllThereIs: boolean,
  nowMs: number,
): TunnelProblem {
  const last = lastDestination === null ? '' : `; the last to ${lastDestination}`;
  const what = `${count} ${count === 1 ? 'connection' : 'connections'} ${FAILURE_WORDS[cause]}${last}`;
  const isNow = isAllThereIs || (LIMITS.has(cause) && nowMs - lastAtMs < LIMIT_LASTS_MS);
  return { kind: 'failures', level: isNow ? 'problem' : 'note', what, remedy: advice, lastAtMs };
}

/** More is taken before so much of what there is is in use. */
const NEARLY_ALL = 0.9;

function addressProblems(names: TunnelStatus['names']): readonly TunnelProblem[] {
  if (names === null) return [];
  const { inUse, capacity, refused } = names;
  if (refused === 0 && inUse < capacity * NEARLY_ALL) return [];
  const queries =
    refused === 0
      ? ''
      : `; ${refused} ${refused === 1 ? 'query' : 'queries'} answered SERVFAIL for want of one`;
  const what = `${inUse} of the ${capacity} addresses for names in zones are in use${queries}`;
  const remedy = 'choose a larger network with --synthetic-range';
  return [inUse < capacity ? note('addresses', what, remedy) : problem('addresses', what, remedy)];
}

/** What went wrong last where it is over. */
function pastError({ state, lastError }: TunnelStatus): readonly TunnelProblem[] {
  const isOver = state.kind === 'up' || (state.kind === 'waiting' && state.for.kind === 'parked');
  if (!isOver || lastError === null) return [];
  const { message, remedy, atMs } = lastError;
  return [{ ...note('past-error', `last error: ${message}`, remedy), lastAtMs: atMs }];
}

function weakness({ algorithms }: TunnelStatus): readonly TunnelProblem[] {
  if (algorithms === null || algorithms === undefined) return [];
  return weaknessesOf(algorithms).map(({ what, remedy }) => note('encryption', what, remedy));
}

function problem(kind: TunnelProblem['kind'], what: string, remedy: string | null): TunnelProblem {
  return { kind, level: 'problem', what, remedy, lastAtMs: null };
}

function note(kind: TunnelProblem['kind'], what: string, remedy: string | null): TunnelProblem {
  return { ...problem(kind, what, remedy), level: 'note' };
}
