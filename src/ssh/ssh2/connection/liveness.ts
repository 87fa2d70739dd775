import type { Socket } from 'node:net';
import { TshuttleError } from '../../../core/errors.ts';
import { systemWords } from '../../../core/systems/system-words.ts';
import { makeEndpoint } from '../../../net/address/endpoint.ts';
import { isOwnAddress } from '../../../net/machine/local-addresses.ts';
import { lookUpRoute } from '../../../net/machine/route-check.ts';
import { unacknowledgedBytes } from '../../../net/native/tcp.ts';
import { sendKeepalive, socketQueue } from '../internals/connection-internals.ts';
import type { ConnectedBastion } from './connect.ts';
import { isSignOfLife, judgeInterval, type LivenessSample, startLiveness } from './liveness-decision.ts';

/** For an answer or TCP's acknowledgement, besides round trips: two or three retransmissions fit in. */
const PROBE_PATIENCE_MS = 1_000;
const PROBE_ROUND_TRIPS = 3;
/** An address may go and come back in a moment, as with DHCP. */
const STRANDED_PATIENCE_MS = 500;
/** Where there is no other way to the bastion yet, nothing is won by giving the connection up. */
const NO_WAY_PATIENCE_MS = 10_000;

/** A watch over one connection. */
export interface LivenessWatch {
  /**
   * Asks at once; a bastion that gives no sign of life within seconds is taken for dead. Where it is being asked already, it is
   * asked again after that.
   *
   * @param roundTripMs as it was lately, where it is known
   */
  probe(roundTripMs?: number): void;
  /** Ends the watch. Idempotent; it also ends when the socket closes. */
  stop(): void;
}

/**
 * Watches whether a bastion still answers, with the target's keepalive policy, and asks it when nothing else is heard.
 *
 * @param onDead called once, when the bastion is taken for dead: with ERR_BASTION_LOST. The connection is left as it is.
 */
export function watchLiveness(
  bastion: Pick<ConnectedBastion, 'client' | 'socket' | 'target' | 'description'>,
  onDead: (error: TshuttleError) => void,
): LivenessWatch {
  const { client, socket, description } = bastion;
  const { target } = bastion;
  const { keepalive } = target;
  let state = startLiveness(takeSample(socket));
  let isProbing = false;
  let patience: NodeJS.Timeout | undefined;
  let isToProbeAgain = false;
  /** Since when its own address is gone; `performance.now()`. */
  let strandedSinceMs: number | undefined;
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clearInterval(timer);
    clearTimeout(patience);
    socket.off('close', stop);
  };
  /** Timers that are overdue fire before anything is read, as after a stop of this process. */
  const afterReading = (next: () => void): void => {
    setImmediate(() => {
      if (!isOver) next();
    });
  };
  const onInterval = (): void => {
    const judged = judgeInterval(state, takeSample(socket), keepalive);
    state = judged.state;
    if (judged.verdict === 'ping' && socket.writable) sendKeepalive(client);
    if (judged.verdict !== 'dead') return;
    stop();
    const silentS = (state.silentIntervals * keepalive.intervalMs) / 1000;
    onDead(
      new TshuttleError(
        'ERR_BASTION_LOST',
        `nothing heard from ${target.role} ${description} for ${silentS} s`,
        {
          remedy:
            `check the network, and the MTU where it stops under load (${systemWords().lowerMtu}); set -o ` +
            'ServerAliveInterval and ServerAliveCountMax to be more patient',
        },
      ),
    );
  };
  const probe = (roundTripMs = 0): void => {
    if (isOver) return;
    if (isProbing) {
      isToProbeAgain = true;
      return;
    }
    isProbing = true;
    isToProbeAgain = false;
    // What had arrived before it is asked is no answer.
    afterReading(() => ask(roundTripMs));
  };
  const ask = (roundTripMs: number): void => {
    const before = takeSample(socket);
    const nowMs = performance.now();
    const isStranded = hasLostItsAddress(socket);
    // TCP sends again after ever longer pauses: after one that is over, the next may take as long as it has been.
    const lostMs = strandedSinceMs === undefined ? 0 : nowMs - strandedSinceMs;
    strandedSinceMs = isStranded ? (strandedSinceMs ?? nowMs) : undefined;
    if (socket.writable) sendKeepalive(client);
    const judge = async (): Promise<void> => {
      const mayWait = isStranded && lostMs < NO_WAY_PATIENCE_MS && !(await hasOtherWay(socket));
      if (isOver) return;
      isProbing = false;
      const knows = unacknowledgedBytes(socket) !== undefined;
      if (isSignOfLife(before, takeSample(socket), knows)) {
        if (isToProbeAgain) probe(roundTripMs);
        return;
      }
      if (mayWait || (isStranded && !hasLostItsAddress(socket))) {
        probe(roundTripMs);
        return;
      }
      stop();
      onDead(
        new TshuttleError(
          'ERR_BASTION_LOST',
          `lost the ${target.role} ${description}: the network has changed`,
        ),
      );
    };
    const patienceMs = isStranded
      ? STRANDED_PATIENCE_MS
      : PROBE_PATIENCE_MS + PROBE_ROUND_TRIPS * roundTripMs + lostMs;
    patience = setTimeout(() => afterReading(() => void judge()), patienceMs);
    patience.unref();
  };
  const timer = setInterval(() => afterReading(onInterval), keepalive.intervalMs);
  timer.unref();
  socket.once('close', stop);
  return { probe, stop };
}

/** Nothing that is sent from an address that this machine has no more is answered. */
function hasLostItsAddress({ localAddress }: Socket): boolean {
  return localAddress !== undefined && !isOwnAddress(localAddress);
}

/** Whether the kernel has a route to where a socket is connected, which then leaves from another address. */
async function hasOtherWay({ remoteAddress = '', remotePort = 0 }: Socket): Promise<boolean> {
  const bastion = makeEndpoint(remoteAddress, remotePort);
  return bastion === undefined || (await lookUpRoute(bastion.family, bastion.address)).kind === 'routed';
}

/** Where the kernel does not tell what is acknowledged, what it has taken stands for it; it takes more only as it sends. */
function takeSample(socket: Socket): LivenessSample {
  const { takenBytes, waitingBytes } = socketQueue(socket);
  const unacknowledged = unacknowledgedBytes(socket) ?? 0;
  return {
    receivedBytes: socket.bytesRead,
    deliveredBytes: takenBytes - unacknowledged,
    backlogBytes: waitingBytes + unacknowledged,
  };
}
