import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { makeTemporaryFolder } from '../../core/files/temporary-folder.ts';
import type { Logger } from '../../core/log.ts';
import type { Endpoint } from '../../net/address/endpoint.ts';
import { connectionsOfProcessTree, isExiting } from '../../net/machine/processes.ts';
import type { SshRequest } from '../config/request.ts';
import { existingIdentities } from '../config/request-arguments.ts';
import { perhapsBannedByFiles } from '../login/shut-out.ts';
import type { SshTarget } from '../ssh-target.ts';
import { describeTarget } from '../ssh-target.ts';
import { masterArguments } from './master-arguments.ts';
import { describeEnding, masterFailure } from './master-failure.ts';
import { MuxConnection } from './mux-connection.ts';
import { RefusalLines } from './refusal-lines.ts';
import { SshProcess } from './ssh-process.ts';
import { UnixConnections } from './unix-connection.ts';

/** ssh says nothing when it is up; its control socket is there then. */
const LOOK_EVERY_MS = 25;

/** What ssh says at DEBUG2, beside what it says always. */
const DEBUG_LINE = /^debug\d: /;

/** An `ssh` that is connected to the bastion and opens channels for others (ssh(1), ControlMaster). */
export interface Master {
  /** Its control socket. */
  readonly control: UnixConnections;
  readonly controlPath: string;
  /** Its socket for SOCKS requests; undefined where it has none. */
  readonly socks: UnixConnections | undefined;
  /** What it says of channels that were not opened; undefined where it says it to others. */
  readonly refusals: RefusalLines | undefined;
  /** Where it, and what it has started for the way to the bastion, is connected to. */
  readonly peers: readonly Endpoint[];
  /** Resolves, never rejects, when it is gone for another reason than {@link end}. */
  readonly lost: Promise<TshuttleError>;
  /**
   * Whether it is gone. Certain for a caller that saw one of its connections close: the one by which we notice is its oldest, and so
   * the first that it, or the kernel, closes.
   */
  isGone(): Promise<boolean>;
  /** Ends a master of ours, and leaves another's alone. Idempotent; never rejects. */
  end(): Promise<void>;
}

/** Dependencies of {@link startMaster}. */
export interface MasterContext {
  readonly logger: Logger;
  /** Ends the start; nothing is left then. */
  readonly signal: AbortSignal;
}

/**
 * Starts a master of our own. ssh asks for what it needs by itself, on the terminal or by SSH_ASKPASS.
 *
 * @throws TshuttleError ERR_BASTION_UNREACHABLE, ERR_HOST_KEY, ERR_BASTION_AUTH or ERR_CONFIG in ssh's words; the signal's
 *   reason. Nothing is left then
 */
export async function startMaster(
  target: SshTarget,
  request: SshRequest,
  context: MasterContext & {
    readonly wantsSocks: boolean;
    /** Is given each line in which ssh says what it does; an agent that is none may be forwarded then. */
    readonly onDebugLine?: (line: string) => void;
  },
): Promise<Master> {
  const identityFiles = await existingIdentities(request.identityFiles);
  const folder = await makeTemporaryFolder(whyUnfitForSockets);
  const sockets = {
    control: join(folder, 'control'),
    socks: context.wantsSocks ? join(folder, 'socks') : undefined,
  };
  const refusals = new RefusalLines();
  let isUp = false;
  const { onDebugLine } = context;
  const examination = onDebugLine === undefined ? undefined : { agentPath: folder };
  const command = [
    ...(request.command ?? ['ssh']),
    ...masterArguments({ ...request, identityFiles }, target, sockets, examination),
  ];
  const isHandled = (line: string): boolean => {
    if (onDebugLine === undefined || !DEBUG_LINE.test(line)) return isUp && refusals.onLine(line);
    onDebugLine(line);
    return true;
  };
  const ssh = new SshProcess(command, folder, context.logger, isHandled);
  try {
    const control = new UnixConnections(sockets.control);
    const { connection, pid } = await untilUp(control, ssh, target, context.signal);
    isUp = true;
    const peers = await connectionsOfProcessTree(ssh.pid);
    context.signal.throwIfAborted();
    let isEnding = false;
    return {
      control,
      controlPath: sockets.control,
      socks: sockets.socks === undefined ? undefined : new UnixConnections(sockets.socks),
      refusals,
      peers,
      lost: connection.over.then(async () => {
        // It may have closed its connections and still be busy with its last words.
        const ending = await ssh.ended;
        return isEnding ? never() : lost(target, describeEnding(ending));
      }),
      isGone: () => isOver(connection, pid),
      end: () => {
        isEnding = true;
        return ssh.end();
      },
    };
  } catch (error) {
    await ssh.end();
    throw error;
  }
}

/**
 * Joins a master that is up, as `ssh -S PATH` does: nobody is asked for anything.
 *
 * @throws TshuttleError ERR_BASTION_UNREACHABLE when there is none
 */
export async function joinMaster(target: SshTarget, path: string, context: MasterContext): Promise<Master> {
  const control = new UnixConnections(path);
  const { connection, pid } = await greet(control).catch((error: unknown) => {
    const why = NOBODY_THERE[systemCodeOf(error) ?? ''] ?? messageOf(error);
    throw new TshuttleError(
      'ERR_BASTION_UNREACHABLE',
      `no ssh master to join at --control-path ${path}: ${why}`,
      {
        remedy: `start one with: ssh -M -N -f -S ${path} ${target.user}@${target.requestedHost}`,
        cause: error,
      },
    );
  });
  const peers = await connectionsOfProcessTree(pid);
  if (context.signal.aborted) connection.close();
  context.signal.throwIfAborted();
  let isEnding = false;
  return {
    control,
    controlPath: path,
    socks: undefined,
    refusals: undefined,
    peers,
    lost: connection.over.then(() =>
      isEnding ? never() : lost(target, `the ssh master at ${path} has ended`),
    ),
    isGone: () => isOver(connection, pid),
    end: async () => {
      isEnding = true;
      connection.close();
    },
  };
}

const NOBODY_THERE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'its master has ended',
  ENOTSOCK: 'that is no socket',
  EACCES: 'permission denied',
};

/** Looks for the control socket until it answers, or ssh has ended. */
async function untilUp(control: UnixConnections, ssh: SshProcess, target: SshTarget, signal: AbortSignal) {
  for (;;) {
    const ending = await Promise.race([ssh.ended, delay(LOOK_EVERY_MS)]);
    signal.throwIfAborted();
    if (ending !== undefined) throw await perhapsBannedByFiles(masterFailure(target, ending), target);
    const greeted = await greet(control).catch(() => undefined);
    if (greeted !== undefined) return greeted;
  }
}

/** The first connection, which stays. */
async function greet(control: UnixConnections): Promise<{ connection: MuxConnection; pid: number }> {
  const connection = await MuxConnection.open(control);
  try {
    return { connection, pid: await connection.checkAlive() };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * Whether the master has ended. What the kernel has closed already is reported within the next rounds of the event loop; a
 * master that is just ending may have closed the socket of a flow, and not yet its own.
 */
async function isOver(connection: MuxConnection, pid: number): Promise<boolean> {
  if (isExiting(pid)) return true;
  for (let round = 0; round < 3 && !connection.isOver; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return connection.isOver;
}

function lost(target: SshTarget, why: string): TshuttleError {
  return new TshuttleError('ERR_BASTION_LOST', `lost the bastion ${describeTarget(target)}: ${why}`, {
    remedy: 'check the network and the bastion',
  });
}

function never(): Promise<never> {
  return new Promise(() => {});
}

/** The path of a unix socket has 107 bytes, and ssh adds 17 while it makes it. */
const MAX_FOLDER_BYTES = 107 - '/control'.length - 17;

/** ssh expands `%` and `$` in `-S`, and takes a path of `-D` apart at colons. */
function whyUnfitForSockets(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_FOLDER_BYTES) return 'is too long for a socket';
  return /^[\w/.,+=@-]+$/.test(path) ? undefined : 'has characters that ssh takes for something else';
}
