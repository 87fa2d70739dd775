import type { Logger } from '../core/log.ts';
import type { IncomingFlow } from '../ingress/incoming-flow.ts';
import { formatEndpoint, formatHostPort, type HostPort } from '../net/endpoint.ts';
import { diagnoseProhibition } from '../ssh/forwarding-diagnosis.ts';
import {
  type CarryOptions,
  type FlowProgress,
  type FlowSummary,
  type Refusal,
  startFlowProgress,
  type Transport,
} from '../ssh/transport.ts';
import { describeEnd, isConnectFailure, isProhibited, isUnknownName, openFailureOf } from './flow-end.ts';
import { LostFlows } from './lost-flows.ts';
import type { FlowEnding, FlowInfo } from './status.ts';

/**
 * Flows at once. A descriptor each, and sshd opens one more for each: beyond this a bastion is out of descriptors long
 * before we are.
 */
const MAX_FLOWS = 32_768;

/** Endings that are remembered, for whoever asks what has happened. */
const MAX_ENDINGS = 512;

/** Names that are told to be unknown; more are found in the lines of their flows. */
const MAX_UNKNOWN_NAMES = 100;

/** Destinations that are told to be prohibited: one by one, for each needs a line of its own in PermitOpen. */
const MAX_PROHIBITED = 20;

/** How long a table that is closed waits for the last flows. */
const LAST_FLOWS_MS = 100;

/** For a flow whose application is told by a reset. */
const ASKS_NOTHING: CarryOptions = {};

/** A flow that is not over. */
interface OpenFlow {
  readonly flow: IncomingFlow;
  readonly progress: FlowProgress;
  readonly startedAtMs: number;
}

/** What all flows come to. */
interface FlowTotals {
  readonly now: number;
  readonly held: number;
  readonly total: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Carries flows over the transport, counts them, and logs every ending once with its cause. */
export class FlowTable {
  readonly #transport: Pick<Transport, 'carry'>;
  readonly #logger: Logger;
  readonly #unknownNames = new Set<string>();
  readonly #open = new Set<OpenFlow>();
  /** The latest last. */
  readonly #endings: FlowEnding[] = [];
  #total = 0;
  /** Of flows that are over. */
  #bytesUp = 0;
  #bytesDown = 0;
  /** Destinations of which has been said that the bastion prohibits them. */
  readonly #prohibited = new Set<string>();
  /** The last one to which the bastion has connected, or tried to. */
  #permitted: string | undefined;
  readonly #lostFlows: LostFlows;
  /** While the table is closed. */
  #onNoneLeft: (() => void) | undefined;
  #hasWarnedOfLimit = false;

  constructor(transport: Pick<Transport, 'carry'>, logger: Logger) {
    this.#transport = transport;
    this.#logger = logger;
    this.#lostFlows = new LostFlows(logger);
  }

  /** Counts what there is and was. */
  totals(): FlowTotals {
    let [held, bytesUp, bytesDown] = [0, this.#bytesUp, this.#bytesDown];
    for (const { progress } of this.#open) {
      if (progress.stage === 'held') held += 1;
      bytesUp += progress.bytesUp;
      bytesDown += progress.bytesDown;
    }
    return { now: this.#open.size, held, total: this.#total, bytesUp, bytesDown };
  }

  /** The flows that are not over, the latest first, up to `limit`. */
  list(limit: number): readonly FlowInfo[] {
    const nowMs = performance.now();
    return [...this.#open]
      .slice(-limit)
      .reverse()
      .map(({ flow, progress, startedAtMs }) => ({
        ...describeFlow(flow),
        ageMs: Math.round(nowMs - startedAtMs),
        ...progress,
      }));
  }

  /** How the last flows have ended, the latest first, up to `limit`. */
  endings(limit: number): readonly FlowEnding[] {
    return this.#endings.slice(-limit).reverse();
  }

  /** Takes over a flow until it is over. Never throws. */
  accept(flow: IncomingFlow): void {
    if (this.#open.size >= MAX_FLOWS) {
      flow.accepted.resetAndDestroy();
      flow.destinationName?.release();
      this.#warnOfLimit();
      return;
    }
    const open = { flow, progress: startFlowProgress(), startedAtMs: performance.now() };
    this.#open.add(open);
    this.#total += 1;
    const { accepted, originator, answer } = flow;
    const options =
      answer === undefined ? ASKS_NOTHING : { onOpen: () => answer.opened(), givesBackRefused: true };
    const carrying = this.#transport.carry(accepted, destinationOf(flow), originator, open.progress, options);
    void carrying.then((summary) => {
      const { end } = summary;
      if (answer !== undefined && end.kind === 'refused') answer.failed(openFailureOf(end), end.description);

      this.#open.delete(open);
      this.#bytesUp += summary.bytesUp;
      this.#bytesDown += summary.bytesDown;
      if (open.progress.stage === 'open' || isConnectFailure(summary.end)) {
        this.#permitted = describeFlow(flow).destination;
      }
      // One that was not open yet goes on over the next connection, or is reset as new ones are.
      if (end.kind === 'bastion-lost' && open.progress.stage === 'open') {
        this.#lostFlows.add(describeFlow(flow).destination);
      }
      flow.destinationName?.release();
      this.#report(flow, summary, performance.now() - open.startedAtMs);
      if (this.#open.size === 0) this.#onNoneLeft?.();
    });
  }

  /**
   * Says what is still to be said of flows, when the last one is over. To be called once the transport is closed, which resets
   * what it carries; what still goes on then, because its application reads slowly or it goes past the bastion, is not waited for
   * long.
   */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LAST_FLOWS_MS);
      this.#onNoneLeft = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#open.size === 0) this.#onNoneLeft();
    });
    this.#lostFlows.tell();
  }

  #report(flow: IncomingFlow, summary: FlowSummary, durationMs: number): void {
    const { host } = destinationOf(flow);
    const { destination, address, originator } = describeFlow(flow);
    const why = describeEnd(summary.end);
    const { bytesUp, bytesDown, end } = summary;
    const moved = { bytesUp, bytesDown, durationMs: Math.round(durationMs) };
    this.#logger.info(`${destination}: ${why}`, {
      destination,
      ...(address === null ? {} : { address }),
      originator,
      end: end.kind,
      ...moved,
    });
    if (this.#endings.length === MAX_ENDINGS) this.#endings.shift();
    this.#endings.push({
      destination,
      address,
      originator,
      endedAtMs: Date.now(),
      end: end.kind,
      why,
      ...moved,
    });
    if (isProhibited(summary.end)) this.#warnOfProhibition(destinationOf(flow), summary.end);
    if (flow.destinationName !== undefined && isUnknownName(summary.end)) this.#warnOfName(host);
  }

  #warnOfName(name: string): void {
    if (this.#unknownNames.has(name) || this.#unknownNames.size >= MAX_UNKNOWN_NAMES) return;
    this.#unknownNames.add(name);
    this.#logger.warn(
      `${name} does not exist at the bastion: connections to it are reset; said once for each name`,
    );
  }

  #warnOfProhibition(destination: HostPort, { keyOptions = [] }: Refusal): void {
    const where = formatHostPort(destination.host, destination.port);
    if (this.#prohibited.has(where) || this.#prohibited.size >= MAX_PROHIBITED) return;
    this.#prohibited.add(where);
    const other = this.#findPermitted();
    const permitted = other === where ? undefined : other;
    const { reason, remedy } = diagnoseProhibition(destination, { keyOptions, permitted });
    const more =
      this.#prohibited.size < MAX_PROHIBITED
        ? ''
        : `; -v shows others, which are not told like this any more`;
    this.#logger.warn(`the bastion prohibits forwarding to ${where}: ${reason}; ${remedy}${more}`);
  }

  #findPermitted(): string | undefined {
    const open = [...this.#open].find(({ progress }) => progress.stage === 'open');
    return open === undefined ? this.#permitted : describeFlow(open.flow).destination;
  }

  #warnOfLimit(): void {
    if (this.#hasWarnedOfLimit) return;
    this.#hasWarnedOfLimit = true;
    this.#logger.warn(`more than ${MAX_FLOWS} flows at once: new ones are reset until some have ended`);
  }
}

/** Where the bastion is to connect to: a name where the address only stands for one. */
function destinationOf({ destination, destinationName }: IncomingFlow): HostPort {
  if ('host' in destination) return destination;
  return { host: destinationName?.name ?? destination.address, port: destination.port };
}

/** What lines and lists call a flow. */
function describeFlow(flow: IncomingFlow): Pick<FlowInfo, 'destination' | 'address' | 'originator'> {
  const { host, port } = destinationOf(flow);
  const isSynthetic = flow.destinationName !== undefined && 'address' in flow.destination;
  return {
    destination: formatHostPort(host, port),
    address: isSynthetic ? flow.destination.address : null,
    originator: formatEndpoint(flow.originator),
  };
}
