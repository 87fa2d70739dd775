import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { type Endpoint, socketPathOf } from '../../net/address/endpoint.ts';
import { type Flow, markOpen } from '../../net/flow.ts';
import { canPassDescriptors } from '../../net/native/descriptors/descriptor-passing.ts';
import { carryByPair } from '../carry-by-pair.ts';
import type { SshRequest } from '../config/request.ts';
import { openByCarry } from '../open-by-carry.ts';
import type { SshTarget } from '../ssh-target.ts';
import { describeTarget } from '../ssh-target.ts';
import { type FlowEnd, type FlowSummary, notOpened, type Transport } from '../transport.ts';
import type { CarriedFlow } from './carried-flow.ts';
import { handOver } from './handover.ts';
import { joinMaster, type Master, type MasterContext, startMaster } from './master.ts';
import { requireMaster } from './master-failure.ts';
import { MasterSessions } from './master-sessions.ts';
import { carryBySocks } from './socks-carry.ts';

/** How long flows may take to end, before ssh is ended under them. */
const DRAIN_TIMEOUT_MS = 500;

/** For a command that is waited for: the files that a shell reads first may take their time. */
const COMMAND_TIMEOUT_MS = 20_000;

/** How an accepted socket gets to ssh: as it is, or by copying. */
export type OpensshCarry = 'handover' | 'socks';

/** How the user's own ssh is to be used. */
export interface OpensshOptions {
  /** The control socket of a master that is up already; undefined starts one. */
  readonly controlPath: string | undefined;
  readonly carry: OpensshCarry;
}

/** A transport over the user's own ssh. */
export interface OpensshTransport extends Transport {
  /** Where ssh is connected to for the way to the bastion. */
  readonly peers: readonly Endpoint[];
  /** Reads a small text file of the bastion, if it may be read. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
  /** What a command on the bastion says, if it may run. @throws Error with a reason for people */
  run(command: string): Promise<string>;
}

/**
 * Has an `ssh` open the channels: one that is started as a master, or one that is up.
 *
 * @throws TshuttleError ERR_CONFIG where nothing can be handed over; as `startMaster` and `joinMaster` do; nothing is left behind then
 */
export async function openOpensshTransport(
  target: SshTarget,
  request: SshRequest,
  options: OpensshOptions,
  context: MasterContext & { readonly mayOpenSession: boolean },
): Promise<OpensshTransport> {
  const { controlPath } = options;
  requireMaster('use --transport ssh2');
  const carry = carryFor(target, options, context.logger);
  if (carry === 'handover' && !canPassDescriptors()) {
    throw new TshuttleError(
      'ERR_CONFIG',
      'connections can be handed over to ssh on 64-bit Linux with koffi only',
      {
        remedy: 'use --openssh-carry socks, and no --control-path',
      },
    );
  }
  const master =
    controlPath === undefined
      ? await startMaster(target, request, { ...context, wantsSocks: carry === 'socks' })
      : await joinMaster(target, controlPath, context);
  const sessions = new MasterSessions(master.controlPath);
  if (context.mayOpenSession) sessions.deliverPromptly(context.logger);
  return transportOver(master, sessions, `${describeTarget(target)} (ssh, ${controlPath ?? carry})`);
}

/** `-D` goes by ClearAllForwardings as well (native-notes/openssh-master.md): without it no forwarding needs to be opened. */
function carryFor(
  { openssh }: SshTarget,
  { controlPath, carry }: OpensshOptions,
  logger: Logger,
): OpensshCarry {
  const cleared = openssh.clearedForwardings.join(', ');
  if (carry === 'handover' || controlPath !== undefined || cleared === '') return carry;
  if (!canPassDescriptors()) {
    const message = `ClearAllForwardings keeps ssh from opening ${cleared}, which connections by SOCKS cannot do without`;
    throw new TshuttleError('ERR_CONFIG', message, {
      remedy: 'leave it out for this host, as with -o ClearAllForwardings=no, or use --transport ssh2',
    });
  }
  logger.info(
    `connections are handed over to ssh (--openssh-carry handover): ClearAllForwardings is for ${cleared}`,
  );
  return 'handover';
}

/** A master opens channels to sockets by `-W` from OpenSSH 9.4 on only, and none of SOCKS. */
const NO_SOCKETS: FlowEnd = {
  kind: 'refused',
  reason: 'unknown-channel-type',
  description: 'ssh opens no unix socket of the bastion for tshuttle: use --transport ssh2',
};

/** Owns the master and its sessions from now on. */
export function transportOver(
  master: Master,
  sessions: MasterSessions,
  description: string,
): OpensshTransport {
  const ending = new AbortController();
  // One for each flow, which is no leak.
  setMaxListeners(0, ending.signal);
  const flows = new Set<Promise<FlowSummary>>();
  const commands = new MasterSessions(master.controlPath, COMMAND_TIMEOUT_MS);
  let closing: Promise<void> | undefined;

  const carry = (accepted: Socket, flow: Flow, onOpen: () => void): Promise<FlowSummary> => {
    const { socks } = master;
    const carriedFlow: CarriedFlow = {
      accepted,
      destination: flow.target,
      progress: flow,
      signal: ending.signal,
      onOpen: () => {
        markOpen(flow);
        onOpen();
      },
    };
    const carried =
      socks === undefined ? handOver(master, carriedFlow) : carryBySocks({ ...master, socks }, carriedFlow);
    flows.add(carried);
    void carried.then(() => flows.delete(carried));
    return carried;
  };

  return {
    description,
    roundTripMs: undefined,
    peers: master.peers,
    readFile: (path) => sessions.readFile(path),
    run: (command) => commands.run(command),
    lost: master.lost,
    // Where its application is answered by us, and may have sent something already, there is no descriptor to hand over.
    carry: (flow) => {
      if (socketPathOf(flow.target) !== undefined) return Promise.resolve(notOpened(NO_SOCKETS));
      return flow.onOpen === undefined
        ? carry(flow.accepted, flow, () => {})
        : carryByPair(flow, (far, onOpen) => carry(far, flow, onOpen));
    },
    open: (destination, signal) =>
      openByCarry(
        { description, carry: (flow) => carry(flow.accepted, flow, () => flow.onOpen?.()) },
        destination,
        signal,
      ),
    close: () => {
      ending.abort();
      sessions.end();
      commands.end();
      closing ??= Promise.race([Promise.all(flows), delay(DRAIN_TIMEOUT_MS)]).then(() => master.end());
      return closing;
    },
  };
}
