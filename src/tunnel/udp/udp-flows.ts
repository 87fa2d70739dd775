import { messageOf } from '../../core/errors.ts';
import { type Endpoint, formatEndpoint } from '../../net/address/endpoint.ts';
import { addressBytes } from '../../net/address/literal.ts';
import type { UdpCounts } from '../status/status.ts';
import { MAX_DATAGRAM_BYTES } from './relay-frames.ts';

/** More flows are not kept: the one that was silent for longest goes. As many as a relay keeps. */
const MAX_FLOWS = 512;

/** What waits for one look-up; a program may send many datagrams together at first. */
const MAX_WAITING = 64;

/** What waits for all look-ups together. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * The kernel forgets an exchange that had no answer after 30 s (nf_conntrack_udp_timeout), and the same source port may be another exchange
 * then: after so long a silence it is asked again.
 */
const ASK_AGAIN_MS = 25_000;

/** A flow that is silent for so long is over: as the kernel's own (nf_conntrack_udp_timeout_stream). */
const IDLE_MS = 120_000;
const SWEEP_MS = 30_000;

/** What {@link UdpFlows} does with datagrams. */
export interface UdpFlowsContext {
  /** Where the datagrams from this source were going to. Rejects where the kernel does not know. */
  lookUp(source: Endpoint): Promise<Endpoint>;
  /** Where that leads to behind the bastion. */
  target(destination: Endpoint): Endpoint;
  /** Has a datagram sent from the bastion; false when it was dropped. */
  send(flow: number, address: Buffer, port: number, datagram: Buffer): boolean;
  endFlow(flow: number): void;
  /** Gives the program an answer. */
  reply(source: Endpoint, datagram: Buffer): void;
  /** Of a datagram that cannot be passed on. */
  dropped(what: string): void;
  readonly nowMs?: () => number;
}

interface UdpFlow {
  readonly id: number;
  readonly source: Endpoint;
  /** Undefined while the first look-up is under way. */
  destination: Endpoint | undefined;
  address: Buffer;
  port: number;
  lastMs: number;
  /** While a look-up is under way. */
  waiting: Buffer[] | undefined;
}

/**
 * The exchanges of datagrams between programs here and hosts behind the bastion, by the program's address and port: each is for one
 * destination, since the kernel gives another source port to a second destination of the same socket. Everything is bounded, and what is
 * too much is dropped, as networks do. One timer looks for silent ones, while there are any.
 */
export class UdpFlows {
  readonly #context: UdpFlowsContext;
  readonly #nowMs: () => number;
  /** The one that was silent for longest comes first. */
  readonly #bySource = new Map<string, UdpFlow>();
  readonly #byId = new Map<number, UdpFlow>();
  #lastId = 0;
  #sweep: NodeJS.Timeout | undefined;
  #waitingBytes = 0;
  #sent = 0;
  #received = 0;
  #dropped = 0;

  constructor(context: UdpFlowsContext) {
    this.#context = context;
    this.#nowMs = context.nowMs ?? (() => performance.now());
  }

  get counts(): UdpCounts {
    return { flows: this.#byId.size, sent: this.#sent, received: this.#received, dropped: this.#dropped };
  }

  /** Takes a datagram of a program's. @param datagram its own memory */
  fromProgram(source: Endpoint, datagram: Buffer): void {
    if (datagram.length > MAX_DATAGRAM_BYTES) {
      this.#drop('larger than UDP carries over IPv4');
      return;
    }
    const key = formatEndpoint(source);
    const known = this.#bySource.get(key);
    const flow = known ?? this.#addIfRoom(key, source);
    if (flow === undefined) {
      this.#drop('more is to be looked up than the kernel answers');
      return;
    }
    const nowMs = this.#nowMs();
    const isDoubtful = known === undefined || nowMs - flow.lastMs > ASK_AGAIN_MS;
    this.#touch(key, flow, nowMs);
    if (flow.waiting !== undefined) this.#wait(flow.waiting, datagram);
    else if (isDoubtful) this.#ask(key, flow, datagram);
    else this.#send(flow, datagram);
  }

  /** Takes a datagram of the relay's, valid during the call. */
  fromRelay(id: number, datagram: Buffer): void {
    const flow = this.#byId.get(id);
    if (flow === undefined) {
      this.#drop('of a flow that is over');
      return;
    }
    this.#touch(formatEndpoint(flow.source), flow, this.#nowMs());
    this.#received += 1;
    this.#context.reply(flow.source, datagram);
  }

  /** Forgets all. Idempotent. */
  close(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    this.#bySource.clear();
    this.#byId.clear();
  }

  /** Never ends one that is looked up, so that there are no more look-ups than flows. */
  #addIfRoom(key: string, source: Endpoint): UdpFlow | undefined {
    if (this.#bySource.size >= MAX_FLOWS) {
      const [oldest] = this.#bySource;
      if (oldest?.[1].waiting !== undefined) return undefined;
      if (oldest !== undefined) this.#end(...oldest);
    }
    return this.#add(key, source);
  }

  #add(key: string, source: Endpoint): UdpFlow {
    this.#lastId = (this.#lastId + 1) % 2 ** 32;
    const flow: UdpFlow = {
      id: this.#lastId,
      source,
      destination: undefined,
      address: Buffer.alloc(0),
      port: 0,
      lastMs: 0,
      waiting: undefined,
    };
    this.#bySource.set(key, flow);
    this.#byId.set(flow.id, flow);
    this.#sweep ??= setInterval(() => this.#endSilent(), SWEEP_MS).unref();
    return flow;
  }

  #touch(key: string, flow: UdpFlow, nowMs: number): void {
    flow.lastMs = nowMs;
    this.#bySource.delete(key);
    this.#bySource.set(key, flow);
  }

  #wait(waiting: Buffer[], datagram: Buffer): void {
    if (waiting.length >= MAX_WAITING || this.#waitingBytes + datagram.length > MAX_WAITING_BYTES) {
      this.#drop('before it was known where they go');
      return;
    }
    waiting.push(datagram);
    this.#waitingBytes += datagram.length;
  }

  #endWait(flow: UdpFlow): readonly Buffer[] {
    const waiting = flow.waiting ?? [];
    flow.waiting = undefined;
    for (const { length } of waiting) this.#waitingBytes -= length;
    return waiting;
  }

  #ask(key: string, flow: UdpFlow, datagram: Buffer): void {
    flow.waiting = [];
    this.#wait(flow.waiting, datagram);
    void this.#context.lookUp(flow.source).then(
      (destination) => this.#onDestination(key, flow, destination),
      (error: unknown) => {
        this.#drop(messageOf(error));
        this.#endWait(flow);
        if (this.#byId.has(flow.id)) this.#end(key, flow);
      },
    );
  }

  #onDestination(key: string, flow: UdpFlow, destination: Endpoint): void {
    const waiting = this.#endWait(flow);
    if (!this.#byId.has(flow.id)) return;
    let current = flow;
    if (flow.destination !== undefined && formatEndpoint(flow.destination) !== formatEndpoint(destination)) {
      // The same source port is another exchange by now.
      this.#end(key, flow);
      current = this.#add(key, flow.source);
      current.lastMs = flow.lastMs;
    }
    if (current.destination === undefined) {
      const target = this.#context.target(destination);
      Object.assign(current, { destination, address: addressBytes(target.address), port: target.port });
    }
    for (const datagram of waiting) this.#send(current, datagram);
  }

  #send({ id, address, port }: UdpFlow, datagram: Buffer): void {
    if (this.#context.send(id, address, port, datagram)) this.#sent += 1;
    else this.#drop('as there is no relay, or the way to it is full');
  }

  #drop(what: string): void {
    this.#dropped += 1;
    this.#context.dropped(what);
  }

  #end(key: string, flow: UdpFlow): void {
    this.#bySource.delete(key);
    this.#byId.delete(flow.id);
    if (flow.destination !== undefined) this.#context.endFlow(flow.id);
  }

  #endSilent(): void {
    const nowMs = this.#nowMs();
    for (const [key, flow] of this.#bySource) {
      if (nowMs - flow.lastMs < IDLE_MS) break;
      this.#end(key, flow);
    }
    if (this.#bySource.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
