import type { Namespace } from './namespace.ts';

/** What an application in the client's namespace does; see client.entry.mjs. */
export interface ApplicationRequest {
  readonly do:
    | 'whoami'
    | 'echo'
    | 'download'
    | 'upload'
    | 'both'
    | 'together'
    | 'farewell'
    | 'reset'
    | 'stall'
    | 'hold'
    | 'http';
  readonly host: string;
  readonly port: number;
  readonly seed?: string;
  readonly bytes?: number;
  readonly count?: number;
  readonly concurrency?: number;
  readonly timeoutMs?: number;
}

/** What came of it: the fields of its action, or `error`. */
export interface ApplicationResult {
  readonly afterMs: number;
  /** A system error code, or TIMEOUT. */
  readonly error?: string;
  /** Whether every byte arrived, and as it was sent. */
  readonly exact?: boolean;
  readonly received?: number;
  readonly sent?: number;
  /** The address the destination saw, and which of its own was called. */
  readonly peer?: string;
  readonly local?: string;
  readonly port?: number;
  /** Of `http`: how many requests succeeded, how many failed how, and which addresses the destination saw. */
  readonly succeeded?: number;
  readonly failures?: Readonly<Record<string, number>>;
  readonly peers?: readonly string[];
}

/** Runs one application in a namespace. Bounded by the request's `timeoutMs`, 30 s when left out. */
export async function runApplication(
  namespace: Namespace,
  request: ApplicationRequest,
): Promise<ApplicationResult> {
  const timeoutMs = (request.timeoutMs ?? 30_000) + 10_000; // the application bounds itself; this bounds its start-up
  const argv = ['node', 'test/support/lab/client.entry.mjs', JSON.stringify(request)];
  return JSON.parse(await namespace.must(argv, { timeoutMs })) as ApplicationResult;
}
