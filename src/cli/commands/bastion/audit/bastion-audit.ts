import { sshRequestOf } from '../../../../app/keep-up/ssh-request.ts';
import { auditRows, type Evidence, type PlaceKind, type TriedPlace } from '../../../../bastion/audit.ts';
import type { Config } from '../../../../config/config.ts';
import { messageOf, TshuttleError } from '../../../../core/errors.ts';
import type { Logger } from '../../../../core/log.ts';
import type { OnStep } from '../../../../core/progress.ts';
import { formatHostPort, type HostPort } from '../../../../net/address/endpoint.ts';
import { resolveTarget } from '../../../../ssh/config/target.ts';
import { readServerOffer } from '../../../../ssh/openssh/debug-lines.ts';
import { type Examination, openExamination } from '../../../../ssh/openssh/examination.ts';
import type { FlowEnd } from '../../../../ssh/transport.ts';
import type { Format } from '../../../rendering/terminal.ts';
import { renderFinding } from '../../doctor/render-finding.ts';

/** How long the bastion may take to connect to a place; what nobody answers at is as good as closed. */
const OPEN_TIMEOUT_MS = 5_000;

/** What gives credentials away by its address alone, where the bastion is in a cloud. */
const METADATA: readonly HostPort[] = [
  { host: '169.254.169.254', port: 80 },
  { host: '169.254.170.2', port: 80 },
  { host: 'fd00:ec2::254', port: 80 },
];

/** Two that answer everybody, run by different people. */
const WORLD: readonly HostPort[] = [
  { host: '1.1.1.1', port: 443 },
  { host: '9.9.9.9', port: 443 },
];

/** Sockets that every Debian has which systemd has booted. */
const UNIX_SOCKETS: readonly string[] = ['/run/dbus/system_bus_socket', '/run/systemd/journal/stdout'];

/** What {@link bastionAudit} needs. */
export interface BastionAuditContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly onStep?: OnStep | undefined;
  readonly print: (text: string) => void;
  readonly format: Format;
}

/**
 * Logs in once, by the ssh of this machine, and says what the bastion lets one do beside what it is for.
 *
 * @returns the exit code: 0 when nothing is open that is not needed
 * @throws TshuttleError as {@link openExamination} does
 */
export async function bastionAudit(
  config: Config,
  destinations: readonly HostPort[],
  { logger, signal, onStep, print, format }: BastionAuditContext,
): Promise<number> {
  const request = sshRequestOf(config);
  if (request.upstreamProxy !== undefined) {
    throw new TshuttleError(
      'ERR_CONFIG',
      'bastion audit logs in by ssh, which does not go through --upstream-proxy',
      {
        remedy: "set ProxyCommand in its place, as in -o 'ProxyCommand=nc -X 5 -x PROXY:PORT %h %p'",
      },
    );
  }
  const target = await resolveTarget(request, { logger, signal });
  const examination = await openExamination(target, request, { logger, signal });
  let evidence: Evidence;
  try {
    evidence = await examine(examination, {
      user: target.user,
      port: target.port,
      destinations,
      signal,
      onStep,
    });
  } finally {
    onStep?.(undefined);
    await examination.close();
  }
  const rows = auditRows(evidence);
  const problems = rows.filter(({ status }) => status === 'problem').length;
  if (format === 'json') {
    const report = { bastion: examination.description, logins: 1, problems, rows };
    print(`${JSON.stringify(report, undefined, 2)}\n`);
  } else {
    for (const row of rows) print(renderFinding(row, format));
    const found =
      problems === 0
        ? 'nothing is open that is not needed'
        : `${problems} problem${problems === 1 ? '' : 's'}`;
    print(`${examination.description}: ${found}; 1 login\n`);
  }
  return problems === 0 ? 0 : 1;
}

interface Examined {
  readonly user: string;
  /** Where its sshd answers. */
  readonly port: number;
  readonly destinations: readonly HostPort[];
  readonly signal: AbortSignal;
  readonly onStep: OnStep | undefined;
}

async function examine(
  examination: Examination,
  { user, port, destinations, signal, onStep }: Examined,
): Promise<Evidence> {
  const places: TriedPlace[] = [];
  const attempts: ReadonlyArray<readonly [PlaceKind, readonly HostPort[]]> = [
    ['metadata', METADATA],
    // Behind another port than the one that was dialled there may be 22.
    ['itself', [...new Set([port, 22])].map((each) => ({ host: '127.0.0.1', port: each }))],
    ['world', WORLD],
    ['destination', destinations],
  ];
  for (const [kind, tried] of attempts) {
    if (tried.length > 0) {
      const places = tried.map(({ host, port }) => formatHostPort(host, port)).join(', ');
      onStep?.(`trying from the bastion: ${places}`);
    }
    const refusals = await Promise.all(tried.map((place) => refusalOf(examination, place, signal)));
    places.push(...tried.map((place, index) => ({ kind, place, refusal: refusals[index] })));
  }
  onStep?.('trying what the bastion lets one run');
  const unixSockets: string[] = [];
  for (const path of UNIX_SOCKETS) {
    if (await examination.opensUnixSocket(path)) unixSockets.push(path);
  }
  const shell = await examination.findShell();
  const hasTerminal = await examination.hasTerminal();
  const hasSftp = await examination.hasSftp();
  const listens = await examination.listens();
  signal.throwIfAborted();
  return {
    user,
    offer: readServerOffer(examination.lines),
    shell,
    hasTerminal,
    hasSftp,
    listens,
    unixSockets,
    places,
  };
}

/** @returns undefined when the bastion connects; nothing is sent */
async function refusalOf(
  examination: Examination,
  place: HostPort,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
  try {
    const socket = await examination.open(place, limit);
    socket.destroy();
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return `no answer within ${OPEN_TIMEOUT_MS / 1000} s`;
    if (!(error instanceof TshuttleError)) throw error;
    if (error.code !== 'ERR_CHANNEL_REFUSED') throw error;
    const end = error.cause as FlowEnd;
    return end.kind === 'refused' ? `${end.description}, says the bastion` : messageOf(error);
  }
}
