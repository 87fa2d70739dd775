import type { openTunnel } from '../tunnel/open-tunnel.ts';
import type { CleanUp } from './commands/cleanup.ts';

/** What the command line drives; tests put others in their place. */
export interface Parts {
  readonly openTunnel: typeof openTunnel;
  readonly cleanUp: CleanUp;
}
