import type { OpenFailure } from '../../net/flow.ts';
import type { FlowEnd, Refusal } from '../../ssh/transport.ts';
import type { FailureCause } from '../status/status.ts';

/** gai_strerror(3) of glibc and musl for EAI_NONAME and EAI_NODATA: sshd passes it on (its channels.c, connect_to_helper). */
const UNKNOWN_NAME = /name or service not known|no address associated with|name does not resolve/i;

/** Whether the bastion has tried to connect, which it does only where it permits it. */
export function isConnectFailure(end: FlowEnd): end is Refusal {
  return end.kind === 'refused' && end.reason === 'connect-failed';
}

/** Whether the bastion did not open a channel because it does not know the name. */
export function isUnknownName(end: FlowEnd): boolean {
  return isConnectFailure(end) && UNKNOWN_NAME.test(end.description);
}

/** strerror(3) of glibc, musl and BSD, as sshd passes it on, for what a proxy's client has a word for. */
const WORDS_OF_FAILURES: ReadonlyArray<readonly [RegExp, OpenFailure]> = [
  [UNKNOWN_NAME, 'unknown-host'],
  [/temporary failure in name resolution|try again/i, 'unknown-host'],
  [/connection refused/i, 'refused'],
  [/unreachable|no route to host/i, 'unreachable'],
  [/timed out/i, 'timed-out'],
];

/** Why the bastion did not connect, by what it says. */
export function openFailureOf({ reason, description }: Refusal): OpenFailure {
  if (reason === 'prohibited') return 'prohibited';
  return WORDS_OF_FAILURES.find(([words]) => words.test(description))?.[1] ?? 'other';
}

/** sshd's words for a destination without a route (native-notes/sshd-descriptors.md). */
const NO_ROUTE_TEXT = 'open failed';

/** Why a flow was not carried; undefined where it was, also where the application or the destination then broke it off. */
export function failureCauseOf(end: FlowEnd): FailureCause | undefined {
  switch (end.kind) {
    case 'eof':
    case 'reset':
      return undefined;
    case 'bastion-lost':
      return 'bastion-lost';
    case 'aborted':
      if (end.lacks === 'bastion') return 'bastion-lost';
      return end.lacks === 'descriptors' ? 'own-descriptors' : 'other';
    case 'refused':
      return causeOfRefusal(end);
  }
}

function causeOfRefusal(refusal: Refusal): FailureCause {
  if (refusal.reason === 'resource-shortage') return 'bastion-descriptors';
  const failure = openFailureOf(refusal);
  switch (failure) {
    case 'prohibited':
    case 'refused':
    case 'unreachable':
      return failure;
    case 'timed-out':
      return 'unreachable';
    case 'unknown-host':
      return 'unknown-name';
    case 'other':
      return refusal.description === NO_ROUTE_TEXT ? 'unreachable' : 'other';
  }
}

/** Says how a flow has ended, and by whom, for a line of the log. */
export function describeEnd(end: FlowEnd): string {
  switch (end.kind) {
    case 'eof':
      return 'ended';
    case 'refused':
      return end.reason === 'prohibited'
        ? `prohibited by the bastion (${end.description})`
        : `refused: ${end.description}`;
    case 'reset':
      return `reset by the ${end.by}: ${end.detail}`;
    case 'bastion-lost':
      return 'reset: the bastion was lost';
    case 'aborted':
      return `reset by us: ${end.detail}`;
  }
}
