import type { Logger } from '../../../core/log.ts';
import type { CleanUp } from '../../command/parts.ts';

/** Dependencies of {@link cleanup}. */
export interface CleanupContext {
  readonly cleanUp: CleanUp;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
}

/** Removes the rules of dead tunnels, and says which were removed and which stay because their tunnel runs. */
export async function cleanup({ cleanUp, logger, signal, print }: CleanupContext): Promise<void> {
  const { removed, kept } = await cleanUp({ logger, signal });
  for (const what of removed) print(`tshuttle: removed ${what}\n`);
  for (const what of kept) print(`tshuttle: kept ${what}\n`);
  if (removed.length === 0) print('tshuttle: nothing to clean up\n');
}
