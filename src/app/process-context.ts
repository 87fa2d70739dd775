import type { Stop } from './stop.ts';

/** What a command may know of the process it runs in, and may change about it. */
export interface ProcessContext {
  /** Without node and script. */
  readonly arguments: readonly string[];
  /** Variables may be removed, so that no child inherits them. */
  readonly environment: Record<string, string | undefined>;
  /** The script that the process was started with. */
  readonly script: string;
  readonly stop: Stop;
  /** Tells the user of a failure: at first on standard error, in a daemon in the log. */
  reportFailure: (thrown: unknown) => void;
  /** What SIGHUP does: at first it requests the end, because the terminal went away; a daemon reopens its log. */
  hangUp: () => void;
  /** Takes the signals that would end or do nothing otherwise: those are a running command's. */
  onSignal: ((name: NodeJS.Signals) => void) | undefined;
  /** Nobody reads standard output any more. A tunnel goes on; a command that only prints has nothing left to do. */
  onReaderGone: () => void;
}
