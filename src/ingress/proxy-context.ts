import type { Logger } from '../core/log.ts';
import type { IncomingFlow } from './incoming-flow.ts';
import type { ProxyCredentials } from './proxy-credentials.ts';

/** What a proxy needs to serve its clients. */
export interface ProxyContext {
  readonly logger: Logger;
  /** Undefined: everybody who can connect may use it. */
  readonly credentials: ProxyCredentials | undefined;
  readonly onFlow: (flow: IncomingFlow) => void;
  /** Called for a client that was reset because there is no room for it. */
  readonly onTurnedAway: () => void;
}
