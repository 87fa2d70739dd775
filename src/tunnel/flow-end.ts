import type { OpenFailure } from '../ingress/incoming-flow.ts';
import type { FlowEnd, Refusal } from '../ssh/transport.ts';

/** gai_strerror(3) of glibc and musl for EAI_NONAME and EAI_NODATA: sshd passes it on (its channels.c, connect_to_helper). */
const UNKNOWN_NAME = /name or service not known|no address associated with|name does not resolve/i;

/** Whether the bastion's policy forbids the destination. */
export function isProhibited(end: FlowEnd): end is Refusal {
  return end.kind === 'refused' && end.reason === 'prohibited';
}

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
