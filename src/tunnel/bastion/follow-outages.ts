import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { LifeCycle } from './life-cycle.ts';

/** Has the rules follow whether the bastion is down. */
export function followOutages(
  capture: () => Promise<void>,
  isOpenToAll: () => boolean,
  life: LifeCycle,
  logger: Logger,
): void {
  let wasOpen = false;
  life.onChange(() => {
    if (life.state.kind === 'stopped' || isOpenToAll() === wasOpen) return;
    wasOpen = isOpenToAll();
    capture().catch((error: unknown) => logger.warn(`the rules do not follow: ${messageOf(error)}`));
  });
}
