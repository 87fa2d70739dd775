import type { Socket } from 'node:net';
import { deferred } from '../../../core/deferred.ts';
import { TshuttleError } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import type { Endpoint, HostPort } from '../../../net/address/endpoint.ts';
import type { Flow } from '../../../net/flow.ts';
import type { NegotiatedAlgorithms } from '../../agreement.ts';
import {
  type BastionProgram,
  type FlowSummary,
  notOpened,
  type ProgramListener,
  type Transport,
} from '../../transport.ts';
import type { Ssh2Transport } from '../connected-transport.ts';
import { type Candidate, chooseConnection, wantsAnother } from './choose-connection.ts';
import { ConnectionGrowth, type OpenAnother } from './connection-growth.ts';
import { type Member, makeMember, shortageOf } from './pool-member.ts';

/** More than this is never opened, whatever the bastion runs out of. */
const MAX_CONNECTIONS = 16;

/** An extra connection that has carried nothing for so long is closed. */
const IDLE_MS = 60_000;
const IDLE_CHECK_MS = 10_000;

/** Options of {@link ConnectionPool}. */
export interface PoolOptions {
  /** How many connections flows are spread over; {@link MAX_CONNECTIONS} when the bastion runs out of descriptors. */
  readonly connections: number;
  readonly logger: Logger;
  /** Opens one more connection, asking nobody. */
  readonly openAnother: OpenAnother;
  /** Tests shorten it. */
  readonly idleMs?: number;
}

/**
 * Whole flows spread over several connections to one bastion: it opens more as flows come, up to what was asked for, and
 * beyond that when the bastion runs out of descriptors. A lost connection takes its own flows only; the pool is lost with the last one.
 */
export class ConnectionPool implements Transport {
  readonly description: string;
  readonly #options: PoolOptions;
  readonly #members: Member[] = [];
  readonly #lost = deferred<TshuttleError>();
  readonly #idleCheck: NodeJS.Timeout;
  readonly #growth: ConnectionGrowth;

  /** Owns `first` from now on. */
  constructor(first: Ssh2Transport, options: PoolOptions) {
    this.description = first.description;
    this.#options = options;
    this.#growth = new ConnectionGrowth(first.description, options);
    this.#add(first);
    this.#idleCheck = setInterval(() => this.#closeIdle(), Math.min(IDLE_CHECK_MS, this.#idleMs));
    this.#idleCheck.unref();
  }

  get lost(): Promise<TshuttleError> {
    return this.#lost.promise;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#members.length;
  }

  /** Of the first connection. */
  get algorithms(): NegotiatedAlgorithms | undefined {
    return this.#members[0]?.transport.algorithms;
  }

  /** Over the first connection. */
  get roundTripMs(): number | undefined {
    return this.#members[0]?.transport.roundTripMs;
  }

  /** Without an async function's frame for each flow: with thousands of them that was a quarter of their memory. */
  carry(flow: Flow): Promise<FlowSummary> {
    const member = this.#choose();
    if (member === undefined) return Promise.resolve(notOpened({ kind: 'bastion-lost' }));
    return member.transport
      .carry(flow)
      .then((summary) => (flow.stage === 'open' ? summary : this.#carryOn(summary, member, flow)));
  }

  /** Has another connection carry what was not opened by one that was lost, or has no descriptor left. */
  async #carryOn(summary: FlowSummary, member: Member, flow: Flow): Promise<FlowSummary> {
    const { end } = summary;
    if (flow.accepted.destroyed) return summary;
    if (end.kind === 'bastion-lost') {
      // Until it is no member any more.
      await member.transport.lost;
      return this.carry(flow);
    }
    const channels = shortageOf(member, end);
    if (channels === undefined || end.kind !== 'refused') return summary;
    const other = await this.#another(member, channels);
    // Nothing else could tell a shortage from a destination without a route; with so many channels it is the likelier one.
    if (other === undefined) return notOpened({ ...end, reason: 'resource-shortage' });
    const { onOpen } = flow;
    // It opens elsewhere: so it was not the destination.
    flow.onOpen = () => {
      member.capacity = Math.min(member.capacity, channels);
      onOpen?.();
    };
    return other.transport.carry(flow);
  }

  open(destination: HostPort, signal: AbortSignal): Promise<Socket> {
    const member = this.#choose();
    if (member !== undefined) return member.transport.open(destination, signal);
    return Promise.reject(
      new TshuttleError('ERR_BASTION_LOST', `lost the bastion ${this.description}`, {
        remedy: 'check the network and the bastion',
      }),
    );
  }

  /** Runs a program on the bastion, over the first connection. */
  start(command: string, listener: ProgramListener): BastionProgram {
    const [first] = this.#members;
    if (first !== undefined) return first.transport.start(command, listener);
    queueMicrotask(() => listener.over('the connection ended'));
    return { write: () => {}, send: () => false, close: () => {} };
  }

  /** Where the connections lead now. Never rejects. */
  async peers(): Promise<readonly Endpoint[]> {
    const peers = await Promise.all(this.#members.map(({ transport }) => transport.peers()));
    return peers.flat();
  }

  probe(): void {
    for (const { transport } of this.#members) transport.probe?.();
  }

  async close(): Promise<void> {
    clearInterval(this.#idleCheck);
    await this.#growth.close();
    await Promise.all(this.#members.map(({ transport }) => transport.close()));
  }

  get #idleMs(): number {
    return this.#options.idleMs ?? IDLE_MS;
  }

  #add(transport: Ssh2Transport): Member {
    const member = makeMember(transport);
    this.#members.push(member);
    void transport.lost.then((error) => this.#memberLost(member, error));
    return member;
  }

  #memberLost(member: Member, error: TshuttleError): void {
    this.#remove(member);
    if (this.#members.length === 0) this.#lost.resolve(error);
    else this.#options.logger.warn(`${error.message}; the other connections to it go on`);
  }

  #remove(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
  }

  /** Where a new flow goes; one more connection is opened beside it where that is worth it. */
  #choose(): Member | undefined {
    const candidates = this.#candidates();
    if (this.#members.length < this.#options.connections && wantsAnother(candidates)) void this.#grow();
    const index = chooseConnection(candidates);
    if (index === undefined && this.#members.length < MAX_CONNECTIONS) void this.#grow();
    // With no room anywhere the last one finds out whether there is by now.
    return index === undefined ? this.#members.at(-1) : this.#members[index];
  }

  #candidates(): Candidate[] {
    const nowMs = performance.now();
    return this.#members.map(({ transport, recent, capacity }) => {
      const { channels, movedBytes } = transport.load();
      return { channels, recentBytes: recent.update(movedBytes, nowMs), capacity };
    });
  }

  /** A connection with fewer channels than one that has run out at `channels`; opened if it has to be. */
  async #another(than: Member, channels: number): Promise<Member | undefined> {
    const candidates = this.#candidates().map((one, index) => ({
      ...one,
      capacity: this.#members[index] === than ? 0 : Math.min(one.capacity, channels),
    }));
    const index = chooseConnection(candidates);
    if (index !== undefined) return this.#members[index];
    return this.#members.length < MAX_CONNECTIONS ? await this.#grow() : undefined;
  }

  async #grow(): Promise<Member | undefined> {
    const transport = await this.#growth.another();
    if (transport === undefined) return undefined;
    // Several flows may have waited for the same connection.
    return this.#members.find((member) => member.transport === transport) ?? this.#add(transport);
  }

  /** The first connection stays, and every one with a flow. */
  #closeIdle(): void {
    const nowMs = performance.now();
    for (const member of this.#members.slice(1)) {
      if (member.transport.load().channels > 0) {
        member.idleSinceMs = undefined;
      } else if (member.idleSinceMs === undefined) {
        member.idleSinceMs = nowMs;
      } else if (nowMs - member.idleSinceMs >= this.#idleMs) {
        this.#remove(member);
        void member.transport.close();
      }
    }
  }
}
