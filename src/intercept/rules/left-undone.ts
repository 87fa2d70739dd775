import type { LeftZone } from './resolver-files.ts';

/** What of a plan is not done, though its rules are in force. */
export interface LeftUndone {
  /** Zones that have no file of ours, on a system that is told by files whom to ask. */
  readonly zones: readonly LeftZone[];
  /** Why UDP leaves directly that the plan has refused; null: none does. */
  readonly udp: string | null;
}
