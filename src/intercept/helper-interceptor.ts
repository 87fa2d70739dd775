import { TshuttleError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Endpoint } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';
import type { LookUp, RedirectedConnection, StrandedFate } from '../net/sockets/redirected-connection.ts';
import { type Answer, type HelperClient, HelperRefusal, startHelperWith } from './client/client.ts';
import { applyError, wrongAnswer } from './client/client-errors.ts';
import { findHelperCommandFacts, helperCommand, mayPrompt } from './client/command.ts';
import type { Interceptor } from './interceptor.ts';
import type { CleanupReport, RulesNews } from './protocol/protocol.ts';
import type { LeftUndone } from './rules/left-undone.ts';
import { type InterceptMethod, listingCommands, type WantedMethod } from './rules/redirect-methods.ts';
import type { RedirectPlan, RoutedNetwork } from './rules/redirect-plan.ts';
import type { RuleFacts } from './rules/rule-facts.ts';
import { describeRefusal, type Selection, selectCandidate } from './rules/select.ts';

/** What an interceptor is opened with. */
export interface OpenInterceptorOptions {
  readonly method: WantedMethod;
  readonly logger: Logger;
  /** The families that should be redirected; both when left out. */
  readonly families?: readonly IpFamily[];
  /** Runs the helper as root; sudo where needed when left out. */
  readonly command?: readonly string[];
  /** Ends the wait for a password. */
  readonly signal?: AbortSignal;
  /** What has to come true before somebody may be asked for a password. */
  readonly beforePrompt?: Promise<unknown>;
  /** Called when nobody is asked for a password any more: at once where nobody can be, else when the helper runs. */
  readonly onPrompted?: () => void;
  /** Called when somebody else has removed rules. */
  readonly onRules?: (news: RulesNews) => void;
  /** What an earlier helper has settled on: no other method is looked for then. */
  readonly selection?: Selection;
}

/** An interceptor whose rules a root helper holds. */
export interface HelperInterceptor extends Interceptor {
  /** Process id of the helper. */
  readonly helperPid: number;
  /** What was settled on. */
  readonly selection: Selection;
}

/**
 * Starts the root helper (which may ask for a password), removes what dead instances left, and chooses the method. No
 * rule is set before the first {@link Interceptor.apply}, so this may and should run before any connection.
 *
 * @throws TshuttleError ERR_NO_PRIVILEGE, ERR_NO_INTERCEPTOR, ERR_HELPER_LOST, ERR_HELPER_PROTOCOL; nothing is left
 * behind then
 */
export async function openInterceptor(options: OpenInterceptorOptions): Promise<HelperInterceptor> {
  const { logger, method: wanted, families = [4, 6], command = commandHere() } = options;
  const prompts = mayPrompt(command);
  if (prompts) await options.beforePrompt;
  else options.onPrompted?.();
  const request =
    options.selection === undefined
      ? ({ type: 'start', method: wanted, families } as const)
      : ({ type: 'cleanup' } as const);
  const { client, answer } = await startHelperWith(request, { ...options, command });
  if (prompts) options.onPrompted?.();
  try {
    const started = await answer;
    if (started.type !== 'started' && started.type !== 'cleaned') throw wrongAnswer(request.type);
    reportCleanup(started.report, logger);
    const selection = options.selection ?? select(started, wanted, logger);
    await client.call({ type: 'use', candidate: selection.candidate });
    return new OpenInterceptor(client, selection, logger);
  } catch (error) {
    await client.close().catch(() => {}); // the first failure is the one to report
    throw error instanceof HelperRefusal ? refusedToUse(error) : error;
  }
}

/** What `tshuttle cleanup` needs. */
export type CleanupOptions = Pick<OpenInterceptorOptions, 'logger' | 'command' | 'signal'>;

/**
 * Removes the rules of instances that no longer run, of all methods; those of running instances stay.
 *
 * @throws TshuttleError ERR_CLEANUP with what is left; ERR_NO_PRIVILEGE, ERR_HELPER_LOST, ERR_HELPER_PROTOCOL
 */
export async function cleanupDeadInstances(options: CleanupOptions): Promise<CleanupReport> {
  const { client, answer } = await startHelperWith(
    { type: 'cleanup' },
    { command: commandHere(), ...options },
  );
  try {
    const cleaned = await answer;
    if (cleaned.type !== 'cleaned') throw wrongAnswer('cleanup');
    const { report } = cleaned;
    const problems = [...report.failed, ...report.unread];
    if (problems.length === 0) return report;
    throw new TshuttleError('ERR_CLEANUP', `could not clean up: ${problems.join('; ')}`, {
      remedy: `see what ${listingCommands()} show, as root`,
    });
  } finally {
    await client.close();
  }
}

function commandHere(): readonly string[] {
  return helperCommand(findHelperCommandFacts());
}

function select(
  started: Extract<Answer, { type: 'started' | 'cleaned' }>,
  method: WantedMethod,
  logger: Logger,
): Selection {
  if (started.type !== 'started') throw wrongAnswer('start');
  for (const fact of started.facts) {
    if (fact.kind !== 'usable') logger.info(`not used: ${describeRefusal(fact)}`);
  }
  const selection = selectCandidate(method, started.facts);
  const { candidate, version } = selection;
  if (method !== 'auto' && selection.method !== method) {
    const why =
      'of whoever is not root only such rules are set as the kernel removes itself when the helper ends';
    logger.warn(`redirecting with ${selection.method}, not ${method}: ${why}`);
  }
  logger.info(`redirecting with ${selection.method}`, { candidate, version });
  return selection;
}

function reportCleanup(report: CleanupReport, logger: Logger): void {
  for (const name of report.removed) logger.warn(`removed ${name}: an instance that died had left it`);
  for (const reason of report.unread) logger.debug(`could not look for what dead instances left: ${reason}`);
  for (const name of report.kept) logger.debug(`left alone: ${name}`);
  for (const failure of report.failed) logger.warn(`could not remove what a dead instance left: ${failure}`);
}

function refusedToUse(refusal: HelperRefusal): TshuttleError {
  return new TshuttleError('ERR_NO_INTERCEPTOR', `the chosen method went away: ${refusal.message}`, {
    cause: refusal,
  });
}

class OpenInterceptor implements HelperInterceptor {
  readonly method: InterceptMethod;
  readonly families: readonly IpFamily[];
  readonly helperPid: number;
  readonly selection: Selection;
  readonly lost: Promise<TshuttleError>;
  readonly #client: HelperClient;
  readonly #logger: Logger;
  #isApplied = false;

  constructor(client: HelperClient, selection: Selection, logger: Logger) {
    this.#client = client;
    this.#logger = logger;
    this.method = selection.method;
    this.families = selection.families;
    this.helperPid = client.pid;
    this.selection = selection;
    this.lost = client.lost;
  }

  async apply(plan: RedirectPlan): Promise<LeftUndone> {
    const families = plan.families.filter((family) => this.families.includes(family));
    const missing = plan.families.filter((family) => !families.includes(family));
    for (const family of missing)
      this.#logger.warn(`${this.method} cannot redirect IPv${family} here: it is not captured`);
    if (families.length === 0) throw applyError(`${this.method} can redirect none of the families asked for`);
    const answer = await this.#call({ type: 'apply', plan: { ...plan, families } }, applyError);
    if (answer.type !== 'applied') throw wrongAnswer('apply');
    this.#isApplied = true;
    return answer.left;
  }

  async addRoute(network: RoutedNetwork): Promise<void> {
    const where = `${network.address}/${network.prefixLength}`;
    await this.#call({ type: 'route', network }, (reason, cause) => {
      return new TshuttleError('ERR_INTERCEPT_APPLY', `the system refused a route to ${where}: ${reason}`, {
        cause,
      });
    });
  }

  async endStranded(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]> {
    // Nothing was redirected yet.
    if (!this.#isApplied) return connections.map(() => 'not ours');
    const answer = await this.#call({ type: 'end-stranded', connections }, (reason, cause) => {
      return new TshuttleError('ERR_INTERCEPT_APPLY', `the system lets nobody look for sockets: ${reason}`, {
        cause,
      });
    });
    if (answer.type !== 'stranded' || answer.fates.length !== connections.length)
      throw wrongAnswer('end-stranded');
    return answer.fates;
  }

  async lookUp(originators: readonly Endpoint[]): Promise<readonly LookUp[]> {
    const answer = await this.#call({ type: 'look-up', originators }, (reason, cause) => {
      const message = `the system does not tell where connections were going to: ${reason}`;
      return new TshuttleError('ERR_ORIGINAL_DST', message, { cause });
    });
    if (answer.type !== 'looked-up' || answer.results.length !== originators.length)
      throw wrongAnswer('look-up');
    return answer.results;
  }

  async enclose(pid: number): Promise<string> {
    const answer = await this.#call({ type: 'enclose', pid }, (reason, cause) => {
      const remedy = 'tshuttle run --isolated and --rootless capture one command in other ways';
      return new TshuttleError('ERR_INTERCEPT_APPLY', reason, { remedy, cause });
    });
    if (answer.type !== 'enclosed') throw wrongAnswer('enclose');
    return answer.cgroup;
  }

  async makeTransparent(descriptors: readonly number[]): Promise<void> {
    await this.#call({ type: 'transparent', descriptors }, (reason, cause) => {
      const remedy = `run tshuttle as root, or without --method ${this.method}`;
      return new TshuttleError('ERR_LISTEN', reason, { remedy, cause });
    });
  }

  async look(): Promise<RuleFacts> {
    const answer = await this.#call({ type: 'look' }, applyError);
    if (answer.type !== 'looked') throw wrongAnswer('look');
    return answer.facts;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Asks the helper. @throws TshuttleError what `refused` makes of the system's refusal; ERR_HELPER_LOST, ERR_HELPER_PROTOCOL */
  async #call(
    call: Parameters<HelperClient['call']>[0],
    refused: (reason: string, cause: HelperRefusal) => TshuttleError,
  ): ReturnType<HelperClient['call']> {
    try {
      return await this.#client.call(call);
    } catch (error) {
      throw error instanceof HelperRefusal ? refused(error.message, error) : error;
    }
  }
}
