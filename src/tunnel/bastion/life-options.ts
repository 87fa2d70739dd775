import type { Logger } from '../../core/log.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import type { OnDown } from './outages.ts';
import type { WaitLimits } from './wait-queue.ts';

/** What the life cycle of a connection is to do. */
export interface LifeOptions {
  readonly onDown: OnDown;
  readonly held: WaitLimits;
  readonly logger: Logger;
  /** Who is asked when something waits for the connection. */
  readonly prompter: Prompter;
  /** Whether nothing has been carried lately: a bastion that hangs up then does it for that. */
  isIdle(): boolean;
  /** Whether any login would ask somebody; left out: as the last one did. */
  readonly wouldAsk?: () => boolean;
}
