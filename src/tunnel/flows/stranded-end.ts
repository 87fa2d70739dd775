import { systemWords } from '../../core/systems/system-words.ts';
import type { StrandedFate } from '../../net/sockets/redirected-connection.ts';
import type { FlowEnd } from '../../ssh/transport.ts';

/** Whether the application's socket outlived the end here, so that no reset has reached it. */
function isStranded(fate: StrandedFate): boolean {
  return fate === 'ended' || fate === 'not ours' || fate === 'unsupported';
}

/**
 * Who ended a flow, once the fate of the application's socket is known: one that is still open has not reset anything.
 *
 * @param goneAddress the application's, where this machine has it no more
 */
export function settledEnd(end: FlowEnd, fate: StrandedFate, goneAddress: string | undefined): FlowEnd {
  if (end.kind !== 'reset' || end.by !== 'application' || !isStranded(fate)) return end;
  return { kind: 'reset', by: 'kernel', detail: whyUnreached(end.detail, goneAddress) };
}

function whyUnreached(detail: string, goneAddress: string | undefined): string {
  if (goneAddress !== undefined) return isGone(goneAddress);
  return /ETIMEDOUT/.test(detail)
    ? 'nothing reached the application any more'
    : `it no longer redirects this connection (${systemWords().forgottenRedirects}, or the rules were gone)`;
}

/** What became of an application that no reset could reach, to be added to what a flow's end is called; otherwise empty. */
export function describeFate(end: FlowEnd, fate: StrandedFate, goneAddress: string | undefined): string {
  const isSaid = end.kind === 'reset' && end.by === 'kernel';
  const why = goneAddress === undefined || isSaid ? '' : `${isGone(goneAddress)}: `;
  switch (fate) {
    case 'ended':
      return `; ${why}the application's socket was ended here`;
    case 'not ours':
      return `; ${why}the application was not told, as the kernel does not show that its socket is ours`;
    case 'unsupported':
      return `; ${why}the application was not told, as ${systemWords().endsNoSockets}`;
    case 'told':
    case 'joined':
      return '';
  }
}

function isGone(address: string): string {
  return `${address} is no longer an address of this machine`;
}
