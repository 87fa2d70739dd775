import type { SshRequest } from '../config/request.ts';
import { requestArguments } from '../config/request-arguments.ts';
import type { SshTarget } from '../ssh-target.ts';

/** Where a master of ours listens. */
export interface MasterSockets {
  readonly control: string;
  /** For the SOCKS requests of `-D`; undefined for none. */
  readonly socks: string | undefined;
}

/** What a master is started with beside, by which a bastion is examined: it says all that it does. */
export interface Examination {
  /** What sessions may have forwarded as an agent: a path that no agent listens at. */
  readonly agentPath: string;
}

/**
 * What `ssh` is started with to be a master of ours: the user's configuration, but nothing of it that would run a command,
 * fork, take the terminal, or open anything for others. For ssh the first value of an option counts, so ours come first.
 *
 * @param request with identity files that exist
 */
export function masterArguments(
  request: SshRequest,
  { keepalive, connectTimeoutMs, openssh }: Pick<SshTarget, 'keepalive' | 'connectTimeoutMs' | 'openssh'>,
  sockets: MasterSockets,
  examination?: Examination,
): string[] {
  const options = [
    // Known to 8.7 and later only. What the user has there is kept.
    `IgnoreUnknown=${[...openssh.ignoredKeywords, 'ForkAfterAuthentication'].join(',')}`,
    'ForkAfterAuthentication=no',
    'ControlPersist=no',
    'RemoteCommand=none',
    'PermitLocalCommand=no',
    'EscapeChar=none',
    'Tunnel=no',
    // What it says of its failures is read (master-failure.ts, refusal-lines.ts).
    `LogLevel=${examination === undefined ? 'INFO' : 'DEBUG2'}`,
    ...(examination === undefined ? [] : [`ForwardAgent=${examination.agentPath}`]),
    `ServerAliveInterval=${Math.ceil(keepalive.intervalMs / 1000)}`,
    `ServerAliveCountMax=${keepalive.countMax}`,
    `ConnectTimeout=${Math.ceil(connectTimeoutMs / 1000)}`,
    // The user's own LocalForward lines are for the user's own ssh. They cannot be cleared without -D (where they are, -D is
    // not used: transport.ts), and one whose port is taken must not be the end.
    ...(sockets.socks === undefined
      ? ['ClearAllForwardings=yes']
      : [
          'ClearAllForwardings=no',
          'ExitOnForwardFailure=no',
          'StreamLocalBindUnlink=yes',
          'StreamLocalBindMask=0177',
        ]),
  ];
  return [
    ...['-M', '-N', '-T', ...(examination === undefined ? ['-a'] : []), '-x', '-S', sockets.control],
    ...options.flatMap((option) => ['-o', option]),
    ...(sockets.socks === undefined ? [] : ['-D', sockets.socks]),
    ...requestArguments(request),
  ];
}
