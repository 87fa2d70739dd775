import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../core/log.ts';
import type { Flow } from '../../net/flow.ts';
import { type DescriptorBudget, descriptorBudget } from '../../net/sockets/descriptor-budget.ts';
import { OUT_OF_DESCRIPTORS } from '../../net/sockets/dial-directly.ts';
import type { StrandedFate } from '../../net/sockets/redirected-connection.ts';
import { type FlowEnd, type FlowSummary, notOpened, type Transport } from '../../ssh/transport.ts';
import type { FailureCount, FlowEnding, FlowInfo } from '../status/status.ts';
import { Failures } from './failures.ts';
import { FlowCounts } from './flow-counts.ts';
import { describeEnd, isConnectFailure, isUnknownName, openFailureOf } from './flow-end.ts';
import { FlowEndings } from './flow-endings.ts';
import { calledEndpoint, describeFlow, redirectedConnection } from './flow-endpoints.ts';
import { LostFlows } from './lost-flows.ts';
import type { StrandedConnections } from './stranded-connections.ts';
import { describeFate, settledEnd } from './stranded-end.ts';

/**
 * Flows at once. A descriptor each, and sshd opens one more for each: beyond this a bastion is out of descriptors long
 * before we are.
 */
const MAX_FLOWS = 32_768;

/** How long a table that is closed waits for the last flows. */
const LAST_FLOWS_MS = 100;

/** And for the fates of their applications' sockets, which the helper finds out. */
const LAST_FATES_MS = 1_000;

/** What a table works with. */
interface FlowTableParts {
  /** Tests have one of their own. */
  readonly descriptors?: DescriptorBudget;
  /** For flows that the kernel redirected to us; undefined where there are none. */
  readonly stranded?: StrandedConnections | undefined;
}

/** Carries flows over the transport, counts them, and logs every ending once with its cause. */
export class FlowTable {
  readonly #transport: Pick<Transport, 'carry'>;
  readonly #logger: Logger;
  readonly #open = new Set<Flow>();
  readonly #endings: FlowEndings;
  readonly #counts = new FlowCounts();
  /** The last one to which the bastion has connected, or tried to. */
  #permitted: string | undefined;
  readonly #stranded: StrandedConnections | undefined;
  readonly #lostFlows: LostFlows;
  readonly #lostRedirects: LostFlows;
  /** While the table is closed. */
  #onNoneLeft: (() => void) | undefined;
  readonly #failures: Failures;
  readonly #descriptors: DescriptorBudget;
  #hasWarnedOfLimit = false;

  constructor(
    transport: Pick<Transport, 'carry'>,
    logger: Logger,
    { descriptors = descriptorBudget(), stranded }: FlowTableParts = {},
  ) {
    this.#transport = transport;
    this.#logger = logger;
    this.#descriptors = descriptors;
    this.#stranded = stranded;
    this.#endings = new FlowEndings(logger);
    this.#lostFlows = new LostFlows(logger, 'bastion');
    this.#lostRedirects = new LostFlows(logger, 'redirect');
    this.#failures = new Failures({ logger, descriptors, permitted: () => this.#findPermitted() });
  }

  /** Counts what there is and was. */
  totals(): ReturnType<FlowCounts['totals']> {
    return this.#counts.totals(this.#open);
  }

  /** What could not be carried, by cause. */
  failures(): readonly FailureCount[] {
    return this.#failures.list();
  }

  /** The flows that are not over, the latest first, up to `limit`. */
  list(limit: number): readonly FlowInfo[] {
    const nowMs = performance.now();
    return [...this.#open]
      .slice(-limit)
      .reverse()
      .map((flow) => ({
        ...describeFlow(flow),
        called: calledEndpoint(flow),
        openingMs:
          flow.openedAtMs === undefined ? null : Math.round((flow.openedAtMs - flow.startedAtMs) * 10) / 10,
        ageMs: Math.round(nowMs - flow.startedAtMs),
        stage: flow.stage,
        bytesUp: flow.bytesUp,
        bytesDown: flow.bytesDown,
      }));
  }

  /** How the last flows have ended, the latest first, up to `limit`. */
  endings(limit: number): readonly FlowEnding[] {
    return this.#endings.list(limit);
  }

  /** A connection was rejected before its destination was known, for want of descriptors. */
  rejected(): void {
    this.#failures.rejected();
  }

  /** Takes over a flow until it is over. Never throws. */
  accept(flow: Flow): void {
    if (this.#descriptors.isBeyond(flow.accepted, 'flow')) {
      this.#reject(flow, { kind: 'aborted', detail: OUT_OF_DESCRIPTORS, lacks: 'descriptors' });
      return;
    }
    if (this.#open.size >= MAX_FLOWS) {
      this.#reject(flow, { kind: 'aborted', detail: `there are ${MAX_FLOWS} flows already` });
      this.#warnOfLimit();
      return;
    }
    this.#open.add(flow);
    this.#counts.begun();
    const bug = (error: unknown): void => this.#meetBug(flow, error);
    try {
      this.#transport
        .carry(flow)
        .then((summary) => this.#over(flow, summary))
        .catch(bug);
    } catch (error) {
      bug(error);
    }
  }

  /** No transport fails, but a bug does. It is told, and ends this flow and no other. */
  #meetBug(flow: Flow, error: unknown): void {
    this.#logger.error('internal error in one flow', { err: error });
    const isKnown = this.#open.has(flow);
    if (flow.stage === 'open' || !isKnown) flow.accepted.resetAndDestroy();
    if (!isKnown) return;
    const { bytesUp, bytesDown } = flow;
    this.#over(flow, { end: { kind: 'aborted', detail: 'internal error' }, bytesUp, bytesDown });
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
    const settled = this.#stranded?.settled();
    if (settled !== undefined) await Promise.race([settled, delay(LAST_FATES_MS, undefined, { ref: false })]);
    this.#lostFlows.report();
    this.#lostRedirects.report();
  }

  #reject(flow: Flow, end: Extract<FlowEnd, { kind: 'aborted' }>): void {
    this.#counts.begun();
    if (flow.answer === undefined) flow.accepted.resetAndDestroy();
    else flow.answer.failed('other', end.detail);
    flow.heldName?.release('unclear');
    this.#report(flow, notOpened(end), '', 0);
  }

  #over(flow: Flow, summary: FlowSummary): void {
    const { end } = summary;
    if (flow.stage !== 'open') {
      if (end.kind === 'refused' && flow.answer !== undefined)
        flow.answer.failed(openFailureOf(end), end.description);
      else flow.accepted.resetAndDestroy();
    }

    this.#open.delete(flow);
    this.#counts.over(flow, summary);
    const isTried = flow.stage === 'open' || isConnectFailure(end);
    if (isTried) {
      this.#permitted = describeFlow(flow).destination;
    }
    flow.heldName?.release(isUnknownName(end) ? 'missing' : isTried ? 'known' : 'unclear');
    const durationMs = performance.now() - flow.startedAtMs;
    const connection = end.kind === 'eof' ? undefined : redirectedConnection(flow);
    if (connection === undefined || this.#stranded === undefined) {
      this.#settled(flow, summary, durationMs, 'told');
    } else {
      const settled = this.#stranded.settle(connection);
      void settled.then((fate) => this.#settled(flow, summary, durationMs, fate));
    }
    if (this.#open.size === 0) this.#onNoneLeft?.();
  }

  /** A flow is over, and it is known whether its application knows. */
  #settled(flow: Flow, summary: FlowSummary, durationMs: number, fate: StrandedFate): void {
    const { address } = flow.originator;
    const goneAddress = fate !== 'told' && this.#stranded?.isGone(address) === true ? address : undefined;
    const end = settledEnd(summary.end, fate, goneAddress);
    // One that was not open yet goes on over the next connection, or is reset as new ones are.
    const lost = end.kind === 'bastion-lost' && flow.stage === 'open' ? this.#lostFlows : undefined;
    const unreached = end.kind === 'reset' && end.by === 'kernel' ? this.#lostRedirects : undefined;
    (lost ?? unreached)?.add(describeFlow(flow).destination, fate);
    this.#report(flow, { ...summary, end }, describeFate(end, fate, goneAddress), durationMs);
  }

  #report(flow: Flow, summary: FlowSummary, more: string, durationMs: number): void {
    this.#endings.add(flow, summary, describeEnd(summary.end) + more, durationMs);
    this.#failures.ended(summary.end, flow.destination, flow.heldName !== undefined);
  }

  #findPermitted(): string | undefined {
    const open = [...this.#open].find(({ stage }) => stage === 'open');
    return open === undefined ? this.#permitted : describeFlow(open).destination;
  }

  #warnOfLimit(): void {
    if (this.#hasWarnedOfLimit) return;
    this.#hasWarnedOfLimit = true;
    this.#logger.warn(`more than ${MAX_FLOWS} flows at once: new ones are reset until some have ended`);
  }
}
