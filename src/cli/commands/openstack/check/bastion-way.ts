import { messageOf, TshuttleError } from '../../../../core/errors.ts';
import type { Way } from '../../../../openstack/https/probe.ts';
import type { Outcome } from '../../../../openstack/https/verdict.ts';
import type { FlowEnd, Refusal, Transport } from '../../../../ssh/transport.ts';
import { openFailureOf } from '../../../../tunnel/flows/flow-end.ts';

/** Through the bastion. */
export function throughBastion(transport: Pick<Transport, 'open'>): Way {
  return {
    open: (place, signal) => transport.open(place, signal),
    outcomeOf: (failure) => {
      if (failure instanceof TshuttleError && failure.code === 'ERR_CHANNEL_REFUSED') {
        const end = failure.cause as FlowEnd;
        if (end.kind === 'refused') return refusalOutcome(end);
      }
      return { kind: 'no-tunnel', why: messageOf(failure) };
    },
  };
}

/** The way that there is not, since the bastion cannot be reached or does not let us in. */
export function withoutBastion(failure: TshuttleError): Way {
  return {
    open: () => Promise.reject(failure),
    outcomeOf: () => ({ kind: 'no-tunnel', why: failure.message }),
  };
}

function refusalOutcome(refusal: Refusal): Outcome {
  switch (openFailureOf(refusal)) {
    case 'prohibited':
      return { kind: 'prohibited' };
    case 'unknown-host':
      return { kind: 'unknown-name' };
    case 'timed-out':
      return { kind: 'silent' };
    case 'refused':
    case 'unreachable':
      return { kind: 'refused' };
    case 'other':
      // ssh tells no more than that the bastion has tried.
      return refusal.reason === 'connect-failed'
        ? { kind: 'refused' }
        : { kind: 'no-tunnel', why: `the bastion opens no channel: ${refusal.description}` };
  }
}
