import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { healthOf, problemsOf, stateWord } from '../../../app/running-tunnels/health.ts';
import type { RunningTunnelHandle } from '../../../app/running-tunnels/running-tunnels.ts';
import { messageOf } from '../../../core/errors.ts';
import { formatDuration } from '../../../core/quantities.ts';
import { MAX_LISTED, type TunnelReport } from '../../../daemon/control/protocol.ts';
import { formatHostPort, type HostPort } from '../../../net/address/endpoint.ts';
import type { FlowEnding, FlowInfo } from '../../../tunnel/status/status.ts';
import { type Finding, note, ok, problem } from './finding.ts';

type Report = Pick<TunnelReport, 'name' | 'status' | 'eventProblems'>;

/** How each tunnel that runs is, in the words of status. */
export function checkTunnels(reports: readonly Report[], nowMs = Date.now()): readonly Finding[] {
  return reports.flatMap((report) => {
    const check = `tunnel ${report.name}`;
    const findings = problemsOf(report, nowMs).map(({ level, what, remedy, lastAtMs }): Finding => {
      const age = lastAtMs === null ? '' : ` (${formatDuration(nowMs - lastAtMs)} ago)`;
      return { check, status: level, what: `${what}${age}`, remedy };
    });
    const { status } = report;
    if (status === null) return [note(check, 'is being opened', 'wait, then look again'), ...findings];
    const since = `${stateWord(status)} for ${formatDuration(nowMs - status.state.sinceMs)}`;
    const isUp = healthOf(report, nowMs) === 'up';
    return isUp ? [ok(check, `${since}, through ${status.bastion}`), ...findings] : findings;
  });
}

/** How long a connection may take to be carried; that of a lost bastion is held for 30 s. */
const TRY_MS = 10_000;
/** The kernel takes a connection for a tunnel before the tunnel hears of it: one that no tunnel has for so long is none's. */
const UNSEEN_MS = 500;
const POLL_MS = 50;

/**
 * Connects to a destination as any program would, and says which tunnel has carried that, and how far. Nothing is sent.
 *
 * @param timeoutMs how long it may take
 * @throws the signal's reason when that ends it
 */
export async function tryThroughTunnels(
  { host, port }: HostPort,
  tunnels: readonly RunningTunnelHandle[],
  signal: AbortSignal,
  timeoutMs = TRY_MS,
): Promise<Finding> {
  signal.throwIfAborted();
  const check = 'destination';
  const where = formatHostPort(host, port);
  const startedAtMs = performance.now();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const socket = connect({ host, port });
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  try {
    await connected(socket, limit);
    const own = ownEnd(socket);
    for (;;) {
      const carried = own === undefined ? undefined : await findCarried(own, tunnels);
      const tookMs = Math.round(performance.now() - startedAtMs);
      if (carried?.kind === 'open')
        return ok(check, `${where}: connected through ${carried.name} in ${tookMs} ms`);
      if (carried?.kind === 'ended')
        return problem(
          check,
          `${where}: ${carried.name}: ${carried.why}`,
          `for more: tshuttle explain ${where}`,
        );
      if (carried === undefined && tookMs > UNSEEN_MS) return directFinding(where, failure);
      if (limit.aborted) break;
      await delay(POLL_MS, undefined, { signal: limit }).catch(() => {}); // the limit is looked at above
    }
    signal.throwIfAborted();
    return problem(
      check,
      `${where}: captured, but not connected within ${timeoutMs / 1000} s`,
      'a firewall between the bastion and it may drop packets',
    );
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return notCaptured(where, `no answer within ${timeoutMs / 1000} s`);
    return notCaptured(where, messageOf(error));
  } finally {
    socket.destroy();
  }
}

/** A captured connection is accepted here at once, whatever becomes of it at the bastion. */
function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function ownEnd({ localAddress, localPort }: Socket): string | undefined {
  return localAddress === undefined || localPort === undefined
    ? undefined
    : formatHostPort(localAddress.replace(/^::ffff:/, ''), localPort);
}

function directFinding(where: string, failure: Error | undefined): Finding {
  if (failure !== undefined) return notCaptured(where, messageOf(failure));
  return note(
    'destination',
    `${where}: connected directly: no tunnel captures it`,
    `which tunnels could: tshuttle explain ${where}`,
  );
}

function notCaptured(where: string, why: string): Finding {
  const what = `${where}: no tunnel captures it, and directly: ${why}`;
  return problem('destination', what, `which tunnels could: tshuttle explain ${where}`);
}

/** A flow of ours in a tunnel. */
type Carried =
  | { readonly kind: 'open' | 'under way'; readonly name: string }
  | { readonly kind: 'ended'; readonly name: string; readonly why: string };

async function findCarried(
  originator: string,
  tunnels: readonly RunningTunnelHandle[],
): Promise<Carried | undefined> {
  const isOurs = (flow: Pick<FlowInfo, 'originator'>): boolean => flow.originator === originator;
  for (const { client, report } of tunnels) {
    const { name } = report;
    const flows = await client.ask({ type: 'flows', name, limit: MAX_LISTED }).catch(() => undefined);
    const flow = flows?.type === 'flows' ? flows.flows.find(isOurs) : undefined;
    if (flow !== undefined) return { kind: flow.stage === 'open' ? 'open' : 'under way', name };
    const endings = await client.ask({ type: 'endings', name, limit: MAX_LISTED }).catch(() => undefined);
    const ending: FlowEnding | undefined =
      endings?.type === 'endings' ? endings.endings.find(isOurs) : undefined;
    if (ending !== undefined) return { kind: 'ended', name, why: ending.why };
  }
  return undefined;
}
