import { printableLine } from '../../../core/printable.ts';
import type { Refusal, RefusalReason } from '../../transport.ts';

/** Longest text of the bastion's that is kept; it is shown in logs. */
const MAX_DESCRIPTION_CHARACTERS = 200;

/** RFC 4254 section 5.1; sshd uses 2 also for a name that does not resolve and when it is out of descriptors. */
const REASONS: ReadonlyMap<number, RefusalReason> = new Map([
  [1, 'prohibited'],
  [2, 'connect-failed'],
  [3, 'unknown-channel-type'],
  [4, 'resource-shortage'],
]);

/** The end of a flow whose channel the bastion did not open, from SSH_MSG_CHANNEL_OPEN_FAILURE. */
export function refusalOf(reasonCode: number, description: string): Refusal {
  const shown = printableLine(description).slice(0, MAX_DESCRIPTION_CHARACTERS);
  return { kind: 'refused', reason: REASONS.get(reasonCode) ?? 'other', description: shown };
}
