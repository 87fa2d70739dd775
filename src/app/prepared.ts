import type { LookUp } from '../config/resolve-subnets.ts';
import type { Logger } from '../core/log.ts';
import type { OnStep } from '../core/progress.ts';
import type { Prompter } from '../ssh/prompter.ts';
import type { openTunnel } from '../tunnel/open-tunnel.ts';
import type { LogOutput } from './log/log-output.ts';
import type { Loggers } from './log/logging.ts';
import type { Stop } from './stop.ts';

/** Dependencies of opening tunnels: logs, a prompter and paths. */
export interface Prepared {
  readonly output: LogOutput;
  readonly loggers: Loggers;
  readonly logger: Logger;
  readonly tunnelContext: {
    readonly logger: Logger;
    readonly prompter: Prompter;
    readonly stop: Stop;
    readonly openTunnel: typeof openTunnel;
    readonly lookUp: LookUp;
    readonly stateFolder: string;
    readonly version: string;
    readonly onStep?: OnStep;
  };
}
