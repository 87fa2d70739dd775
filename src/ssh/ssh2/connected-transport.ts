import { deferred } from '../../core/deferred.ts';
import { TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { openByCarry } from '../open-by-carry.ts';
import { BastionHungUp, type BastionProgram, type ProgramListener, type Transport } from '../transport.ts';
import { ChannelMux } from './channels/channel-mux.ts';
import { cipherCost } from './channels/flow-control/cipher-cost.ts';
import { MIN_QUEUE_BYTES } from './channels/flow-control/send-scheduler.ts';
import type { ConnectedBastion } from './connection/connect.ts';
import { describeEnding, REMEDY_NO_SERVER } from './connection/handshake-error.ts';
import { watchLiveness } from './connection/liveness.ts';
import type { Route } from './connection/route.ts';
import { attachChannelWire } from './internals/channel-internals.ts';
import { hasOpenSsl } from './internals/ciphers/openssl.ts';
import { hasNativeCrypto } from './internals/connection-internals.ts';
import { ProtocolViolation } from './peer-conduct.ts';
import type { ConnectionLoad } from './pool/choose-connection.ts';
import { deliverPromptly } from './prompt-delivery.ts';
import { readBastionFile } from './read-file.ts';
import { runBastionCommand, startBastionProgram } from './run-command.ts';

/** How long the last messages (CLOSE of every channel, then DISCONNECT) may take before the socket is destroyed. */
const DRAIN_TIMEOUT_MS = 1_000;

/** A transport over one ssh2 connection. */
export interface Ssh2Transport extends Transport, Pick<Route, 'dialled' | 'peers'> {
  /** Reads a small text file of the bastion, if it may be read. @throws Error with a reason for people */
  readFile(path: string): Promise<string>;
  /** What a command on the bastion says, if it may run. @throws Error with a reason for people */
  run(command: string): Promise<string>;
  /** Runs a program on the bastion, if it may run. */
  start(command: string, listener: ProgramListener): BastionProgram;
  /** What it carries. */
  load(): ConnectionLoad;
}

/** Carries flows over a connection, which it owns from now on; and warns where its cipher is slow on this machine. */
export function carryOver(bastion: ConnectedBastion, mayOpenSession: boolean, logger: Logger): Ssh2Transport {
  const cost = hasNativeCrypto() ? undefined : cipherCost(bastion.algorithms.cipher, hasOpenSsl());
  if (cost !== undefined) logger.warn(cost);
  const { transport, mux } = transportOver(bastion);
  deliverPromptly(mux, bastion, mayOpenSession, logger);
  return transport;
}

function transportOver(bastion: ConnectedBastion): {
  readonly transport: Ssh2Transport;
  readonly mux: ChannelMux;
} {
  const { client, socket, route, description } = bastion;
  let cause: Error | undefined;
  const closeFor = (error: Error): void => {
    cause ??= error;
    // ssh2 may emit no 'close' after an error (native-notes/ssh2-connection-internals.md).
    socket.destroy();
  };
  const mux = new ChannelMux(
    (events) => attachChannelWire(client, socket, events),
    () => bastion.keyOptions(),
    (how) => closeFor(new ProtocolViolation(how)),
  );
  const lost = deferred<TshuttleError>();
  let isOver = false;
  let closing: Promise<void> | undefined;

  const isGone = (error: TshuttleError): void => {
    if (isOver) return;
    isOver = true;
    liveness.stop();
    socket.destroy();
    mux.connectionLost();
    if (closing === undefined) void route.explain(error).then(lost.resolve).finally(route.close);
  };
  const liveness = watchLiveness(bastion, isGone);
  client.on('error', closeFor);
  socket.on('close', () => isGone(connectionLost(bastion, cause)));
  if (socket.destroyed) isGone(connectionLost(bastion, cause));

  /** The bastion before what leads to it. */
  const hangUp = (): Promise<void> =>
    new Promise((resolve) => {
      if (isOver) {
        resolve();
        return;
      }
      mux.abortAll('the tunnel is closing');
      const deadline = setTimeout(() => socket.destroy(), DRAIN_TIMEOUT_MS);
      socket.once('close', () => {
        clearTimeout(deadline);
        resolve();
      });
      client.end();
    });

  const transport: Ssh2Transport = {
    description,
    algorithms: bastion.algorithms,
    dialled: route.dialled,
    peers: () => route.peers(),
    lost: lost.promise,
    readFile: (path) => readBastionFile(mux, bastion, path),
    run: (command) => runBastionCommand(mux, bastion, command),
    start: (command, listener) => startBastionProgram(mux, bastion, command, listener),
    load: () => ({ channels: mux.size, movedBytes: mux.movedBytes }),
    get roundTripMs() {
      return mux.roundTripMs;
    },
    carry: (flow) => mux.carry(flow),
    open: (destination, signal) => openByCarry(transport, destination, signal, MIN_QUEUE_BYTES),
    probe: () => liveness.probe(mux.roundTripMs),
    close: () => {
      closing ??= hangUp().then(() => route.close());
      return closing;
    },
  };
  return { transport, mux };
}

function connectionLost({ target, description }: ConnectedBastion, cause: Error | undefined): TshuttleError {
  const why = describeEnding(cause);
  const hasHungUp = cause === undefined || isDisconnect(cause);
  return new TshuttleError('ERR_BASTION_LOST', `lost the ${target.role} ${description}: ${why}`, {
    remedy: cause instanceof ProtocolViolation ? REMEDY_NO_SERVER : 'check the network and the bastion',
    cause: hasHungUp ? new BastionHungUp(why) : cause,
  });
}

/** SSH_MSG_DISCONNECT: ssh2 makes an error of it that has the reason code (RFC 4253 section 11.1). */
function isDisconnect(error: Error): boolean {
  return 'code' in error && typeof error.code === 'number';
}
