import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type Endpoint, formatHostPort } from '../../net/address/endpoint.ts';
import type { TransportChoice } from '../../ssh/choose-transport.ts';
import type { SshRequest } from '../../ssh/config/request.ts';
import type { LookUpHost } from '../../ssh/look-up.ts';
import { openOpensshTransport } from '../../ssh/openssh/transport.ts';
import type { SshTarget } from '../../ssh/ssh-target.ts';
import type { Transport } from '../../ssh/transport.ts';
import { dialEndpoints } from './dial-endpoints.ts';

interface OpensshConnectionsOptions {
  readonly remote: SshRequest;
  readonly transport: TransportChoice;
  /** Whether a session may run `true` on the bastion, and another read a file. */
  readonly mayOpenSession: boolean;
}

interface OpensshConnectionsContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Whether ssh may ask somebody. */
  readonly mayAsk: boolean;
  readonly lookUp: LookUpHost;
  beforeDial(endpoint: Endpoint): Promise<void>;
}

/** A connection by the user's own ssh, with what a tunnel asks of its connections. */
interface OpensshConnections extends Transport {
  peers(): Promise<readonly Endpoint[]>;
  /** Reads a small text file of the bastion. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
  /** What a command on the bastion says. @throws Error with a reason for people */
  run(command: string): Promise<string>;
}

/**
 * Has the user's own ssh connect to the bastion, or joins one that is up.
 *
 * @throws TshuttleError as `openOpensshTransport` does; ERR_CONFIG for an upstream proxy; nothing is left behind then
 */
export async function openOpensshConnections(
  target: SshTarget,
  options: OpensshConnectionsOptions,
  context: OpensshConnectionsContext,
): Promise<OpensshConnections> {
  const { transport, mayOpenSession } = options;
  const upstream = options.remote.upstreamProxy;
  if (upstream !== undefined) throw notThrough(upstream);
  const remote = context.mayAsk ? options.remote : silent(options.remote);
  if (remote.password !== undefined) {
    context.logger.warn(
      'the password in -r is not used: ssh asks for it itself, on the terminal or by SSH_ASKPASS',
    );
  }
  const endpoints = transport.controlPath === undefined ? await dialEndpoints(target, context.lookUp) : [];
  for (const endpoint of endpoints) await context.beforeDial(endpoint);
  const { peers, readFile, run, ...opened } = await openOpensshTransport(target, remote, transport, {
    ...context,
    mayOpenSession,
  });
  return {
    ...opened,
    peers: async () => peers,
    readFile: (path) => (mayOpenSession ? readFile(path) : Promise.reject(new Error('--no-session'))),
    run: (command) => (mayOpenSession ? run(command) : Promise.reject(new Error('--no-session'))),
  };
}

/** ssh would pass it by. Where the user named this transport, that was said before (config/transport.ts). */
function notThrough({ host, port }: NonNullable<SshRequest['upstreamProxy']>): TshuttleError {
  const proxy = formatHostPort(host, port);
  return new TshuttleError('ERR_CONFIG', `ssh itself does not go through --upstream-proxy ${proxy}`, {
    remedy: `set ProxyCommand in its place, as in -o 'ProxyCommand=nc -X 5 -x ${proxy} %h %p'`,
  });
}

/** For ssh the first value of an option counts. */
function silent(remote: SshRequest): SshRequest {
  return { ...remote, options: ['BatchMode=yes', ...remote.options] };
}
