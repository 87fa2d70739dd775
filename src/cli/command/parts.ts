import type { Logger } from '../../core/log.ts';
import type { CleanupReport } from '../../intercept/protocol/protocol.ts';
import type { openTunnel } from '../../tunnel/open-tunnel.ts';

/**
 * Removes the rules of tunnels whose processes are dead.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE, ERR_CLEANUP with what is left
 */
export type CleanUp = (context: {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}) => Promise<CleanupReport>;

/** The parts that the command line calls; tests replace them. */
export interface Parts {
  readonly openTunnel: typeof openTunnel;
  readonly cleanUp: CleanUp;
}
