import { sshRequestOf } from '../../../app/keep-up/ssh-request.ts';
import type { Config } from '../../../config/config.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import type { OnStep } from '../../../core/progress.ts';
import { formatHostPort, type HostPort } from '../../../net/address/endpoint.ts';
import { resolveTarget } from '../../../ssh/config/target.ts';
import { diagnoseProhibition } from '../../../ssh/forwarding-diagnosis.ts';
import { lookUpHost } from '../../../ssh/look-up.ts';
import type { Prompter } from '../../../ssh/prompter.ts';
import type { SshTarget } from '../../../ssh/ssh-target.ts';
import type { FlowEnd } from '../../../ssh/transport.ts';
import { openConnections } from '../../../tunnel/bastion/connections.ts';
import { checkAgreement } from './check-agreement.ts';
import { type Finding, note, ok, problem, problemOf, untried } from './finding.ts';
import { checkClock } from './machine-checks.ts';
import { closingLine } from './sshd-config-evidence.ts';

/** How long the bastion may take to connect to a destination. */
const OPEN_TIMEOUT_MS = 10_000;

/** Questions for a code that counts once. */
const ONE_TIME_CODE = /code|token|otp|factor/i;

/** Dependencies of {@link checkBastion}. */
export interface BastionCheckContext {
  readonly logger: Logger;
  readonly prompter: Prompter;
  readonly signal: AbortSignal;
  readonly onStep?: OnStep | undefined;
}

/** The connections to the bastion that the checks try. */
type Connections = Awaited<ReturnType<typeof openConnections>>;

/**
 * Reaches the bastion, logs in, and has it connect to the destinations; nothing is sent to them. Logs in once, and tries no
 * second time.
 */
export async function* checkBastion(
  config: Config,
  destinations: readonly HostPort[],
  context: BastionCheckContext,
): AsyncGenerator<Finding> {
  let target: SshTarget;
  const decisive = collecting(context.logger);
  try {
    target = await resolveTarget(sshRequestOf(config), { ...context, logger: decisive.logger });
  } catch (error) {
    yield problemOf('ssh configuration', error);
    yield* untriedAll(destinations);
    return;
  }
  const { user, host, port } = target;
  yield ok('ssh configuration', `${user}@${host}:${port}`);
  for (const line of decisive.lines) yield note('ssh configuration', line);

  const questions: string[] = [];
  const startedAtMs = performance.now();
  let connections: Connections;
  try {
    connections = await openConnections(
      target,
      { ...config, remote: sshRequestOf(config) },
      {
        ...context,
        logger: decisive.logger,
        prompter: noting(context.prompter, questions),
        beforeDial: async () => {},
        lookUp: lookUpHost,
        onAsked: () => {},
      },
    );
  } catch (error) {
    yield problemOf('bastion', error);
    if (questions.some((question) => ONE_TIME_CODE.test(question))) yield await checkClock();
    yield* untriedAll(destinations);
    return;
  }
  try {
    const tookMs = Math.round(performance.now() - startedAtMs);
    yield ok('bastion', `logged in as ${connections.description} in ${tookMs} ms`);
    yield* checkAgreement(connections.algorithms, target.algorithms.keyExchange);
    if (questions.some((question) => ONE_TIME_CODE.test(question))) yield await checkClock();
    yield* checkForwarding(connections, target, destinations, context);
  } finally {
    await connections.close();
  }
}

function* untriedAll(destinations: readonly HostPort[]): Generator<Finding> {
  for (const { host, port } of destinations) {
    const what = `${formatHostPort(host, port)}: not tried, because the bastion is not reached`;
    yield untried('destination', what, 'fix what keeps you from the bastion, and try again');
  }
}

async function* checkForwarding(
  connections: Connections,
  target: SshTarget,
  destinations: readonly HostPort[],
  { signal, onStep }: Pick<BastionCheckContext, 'signal' | 'onStep'>,
): AsyncGenerator<Finding> {
  // Its own sshd: whether it connects there or is refused, it forwards.
  const itself = { host: 'localhost', port: target.port };
  const tried = new Map<HostPort, FlowEnd | undefined>();
  for (const destination of [...destinations, itself]) {
    onStep?.(`trying ${formatHostPort(destination.host, destination.port)} from the bastion`);
    tried.set(destination, await tryDestination(connections, destination, signal));
  }
  const permitted = [...tried].find(([, end]) => !isProhibited(end))?.[0];
  for (const destination of destinations) {
    yield await finding(connections, target, destination, tried.get(destination), permitted);
  }
  if (destinations.length > 0) return;
  yield permitted === undefined
    ? note(
        'forwarding',
        `the bastion does not forward to ${formatHostPort(itself.host, itself.port)}, which PermitOpen may be the reason for`,
        'name what you want to reach: tshuttle doctor -r BASTION HOST:PORT',
      )
    : ok('forwarding', 'the bastion forwards');
}

/** @returns how it ended; undefined when it was opened */
async function tryDestination(
  connections: Connections,
  destination: HostPort,
  signal: AbortSignal,
): Promise<FlowEnd | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
  try {
    const socket = await connections.open(destination, limit);
    socket.destroy();
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) {
      return { kind: 'aborted', detail: `no answer within ${OPEN_TIMEOUT_MS / 1000} s` };
    }
    if (error instanceof TshuttleError && error.code === 'ERR_CHANNEL_REFUSED') return error.cause as FlowEnd;
    return { kind: 'aborted', detail: messageOf(error) };
  }
}

function isProhibited(end: FlowEnd | undefined): boolean {
  return end?.kind === 'refused' && end.reason === 'prohibited';
}

async function finding(
  connections: Connections,
  target: SshTarget,
  destination: HostPort,
  end: FlowEnd | undefined,
  permitted: HostPort | undefined,
): Promise<Finding> {
  const where = formatHostPort(destination.host, destination.port);
  const check = 'destination';
  if (end === undefined) return ok(check, `${where}: the bastion connects to it`);
  if (end.kind !== 'refused') {
    const detail = end.kind === 'aborted' ? end.detail : 'the bastion was lost';
    return problem(check, `${where}: ${detail}`, 'a firewall between the bastion and it may drop packets');
  }
  if (end.reason !== 'prohibited') {
    return problem(
      check,
      `${where}: ${end.description}, says the bastion`,
      'check the host and the port, and that the bastion can reach them',
    );
  }
  const closing = await readClosingLine(connections, target.port);
  if (closing !== undefined) {
    return problem(
      check,
      `${where}: prohibited by its sshd_config: ${closing}`,
      `ask its administrator for AllowTcpForwarding yes, and for ${where} in PermitOpen if there is one`,
    );
  }
  const { reason, remedy } = diagnoseProhibition(destination, {
    keyOptions: end.keyOptions ?? [],
    permitted: permitted === undefined ? undefined : formatHostPort(permitted.host, permitted.port),
  });
  return problem(check, `${where}: the bastion prohibits it: ${reason}`, remedy);
}

async function readClosingLine(connections: Connections, port: number): Promise<string | undefined> {
  try {
    return closingLine(await connections.readFile('/etc/ssh/sshd_config'), port)?.line;
  } catch {
    // Most bastions do not show it, and then it is no evidence.
    return undefined;
  }
}

/** A prompter that keeps what was asked, never what was answered. */
function noting(prompter: Prompter, questions: string[]): Prompter {
  return {
    get available() {
      return prompter.available;
    },
    mayAskAgain: prompter.mayAskAgain,
    ask: (question, options) => {
      questions.push(question);
      return prompter.ask(question, options);
    },
    show: (text) => prompter.show(text),
  };
}

/** What the ssh configuration decides is told as information; here it is a finding. */
function collecting(logger: Logger): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string): void => void lines.push(message);
  return {
    lines,
    logger: { ...logger, debug: logger.debug.bind(logger), error: keep, info: keep, warn: keep },
  };
}
