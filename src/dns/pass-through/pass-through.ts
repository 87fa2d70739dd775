import { randomInt } from 'node:crypto';
import type { RemoteInfo } from 'node:dgram';
import type { Socket } from 'node:net';
import { systemCodeOf } from '../../core/errors.ts';
import { DNS_PORT } from '../../net/address/endpoint.ts';
import { familyOf } from '../../net/address/literal.ts';
import { isAnswerTo } from '../message/answer.ts';
import type { Overload } from '../overload.ts';
import type { Nameserver } from '../system/resolv-conf.ts';
import { addressToSend, connectFrom, FROM_THIS_MACHINE, type QueryOrigin } from './dial-nameserver.ts';
import { type QuerySocket, QuerySockets, type ReceiveDatagram } from './query-sockets.ts';
import { TcpPath } from './tcp-path.ts';

/** Queries that wait for an answer; more are dropped, as a full socket drops them. */
const MAX_PENDING = 4_096;

/** Clients that wait for the same answer; more are dropped. */
const MAX_WAITING = 256;

/** Longer than any client waits for one answer (resolv.conf(5): 5 s). */
const PENDING_TIMEOUT_MS = 10_000;

/**
 * The same query is sent again no sooner. Two tunnels that capture the same nameserver would otherwise hand a query to
 * each other for ever: this way it comes back to where it waits already, and goes nowhere from there.
 */
const REPEAT_AFTER_MS = 900;

/** A nameserver that says nothing for so long is asked by TCP as well, and from then on instead for a while. */
const UDP_PATIENCE_MS = 1_500;

/**
 * Longer than the kernel keeps a UDP exchange in mind (nf_conntrack_udp_timeout_stream, 120 s): a query that another tunnel
 * has taken goes to that one's port as long as it is kept in mind, also when the tunnel has ended, and each query from the
 * same port keeps it so.
 */
const WITHOUT_UDP_MS = 130_000;

/** A port may still be in use for a connection to the same nameserver. */
const CONNECT_ATTEMPTS = 15;

interface Waiting {
  readonly id: number;
  readonly reply: (answer: Buffer) => void;
}

interface Pending {
  readonly key: string;
  readonly id: number;
  readonly packet: Buffer;
  readonly own: QuerySocket;
  readonly nameserver: Nameserver;
  /** By who asked. */
  readonly waiting: Map<string, Waiting>;
  readonly timer: NodeJS.Timeout;
  sentAtMs: number;
  patience: NodeJS.Timeout | undefined;
}

/**
 * Passes packets on to the nameservers that clients have asked, and answers back, both byte for byte but for the id, which
 * is ours and cannot be guessed (RFC 5452 section 9). It asks from ports that the redirect lets pass.
 */
export class PassThrough {
  readonly #sockets: QuerySockets;
  readonly #origin: QueryOrigin;
  readonly #byKey = new Map<string, Pending>();
  readonly #byAnswer = new Map<string, Pending>();
  readonly #connections = new Set<Socket>();
  readonly #tcpPaths = new Map<string, TcpPath>();
  /** Nameservers that UDP does not reach, and until when that is believed. */
  readonly #withoutUdpUntilMs = new Map<string, number>();

  readonly #overload: Overload;

  private constructor(sockets: QuerySockets, overload: Overload, origin: QueryOrigin) {
    this.#sockets = sockets;
    this.#origin = origin;
    this.#overload = overload;
  }

  /** @throws Error of the system when no port can be had */
  static async open(overload: Overload, origin: QueryOrigin = FROM_THIS_MACHINE): Promise<PassThrough> {
    const received: { take?: ReceiveDatagram } = {};
    const sockets = await QuerySockets.open((...datagram) => received.take?.(...datagram), origin);
    const resolvers = new PassThrough(sockets, overload, origin);
    received.take = (...datagram) => resolvers.#receive(...datagram);
    return resolvers;
  }

  /** The source ports of all that is asked here. */
  get ports(): readonly number[] {
    return this.#sockets.ports;
  }

  /** Queries that have no answer yet. */
  get pending(): number {
    return this.#byKey.size;
  }

  /**
   * Passes one packet on by UDP. A client that repeats itself is asked for again; others with the same question wait for
   * the same answer.
   *
   * @param client who asks, for telling clients apart
   * @param reply called once at most; what came by TCP may be too long for the client
   */
  pass(nameserver: Nameserver, packet: Buffer, client: string, reply: (answer: Buffer) => void): void {
    const key = `${nameserver.address} ${packet.toString('latin1', 2)}`;
    const id = packet.readUInt16BE(0);
    const pending = this.#byKey.get(key) ?? this.#begin(nameserver, packet, key);
    if (pending === undefined) return;
    if (pending.waiting.size >= MAX_WAITING) {
      this.#overload.report(
        `${MAX_WAITING} programs wait for one answer of a nameserver, further ones are dropped`,
      );
      return;
    }
    pending.waiting.set(`${client} ${id}`, { id, reply });
    const nowMs = performance.now();
    if (nowMs - pending.sentAtMs < REPEAT_AFTER_MS) return;
    pending.sentAtMs = nowMs;
    if ((this.#withoutUdpUntilMs.get(nameserver.address) ?? 0) > nowMs) {
      void this.#askByTcp(pending);
      return;
    }
    pending.own.socket.send(pending.packet, DNS_PORT, addressToSend(nameserver), () => {});
    pending.patience ??= setTimeout(() => void this.#askByTcp(pending), UDP_PATIENCE_MS);
  }

  async #askByTcp(pending: Pending): Promise<void> {
    const { nameserver } = pending;
    const path = this.#tcpPaths.get(nameserver.address) ?? new TcpPath(() => this.connect(nameserver));
    this.#tcpPaths.set(nameserver.address, path);
    const answer = await path.ask(pending.packet);
    if (answer === undefined) {
      this.#withoutUdpUntilMs.delete(nameserver.address);
      return;
    }
    // An answer by UDP may have come before.
    if (this.#byKey.get(pending.key) !== pending) return;
    this.#withoutUdpUntilMs.set(nameserver.address, performance.now() + WITHOUT_UDP_MS);
    this.#answer(pending, answer);
  }

  /** Connects to a nameserver by TCP. The caller owns the socket. @throws Error of the system */
  async connect(nameserver: Nameserver): Promise<Socket> {
    const first = randomInt(this.ports.length);
    for (let attempt = 0; ; attempt += 1) {
      const port = this.ports[(first + attempt) % this.ports.length]!;
      try {
        return await connectFrom(port, nameserver, this.#connections, this.#origin);
      } catch (error) {
        const code = systemCodeOf(error);
        const isPortInUse = code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
        if (!isPortInUse || attempt + 1 >= Math.min(CONNECT_ATTEMPTS, this.ports.length)) throw error;
      }
    }
  }

  /** What is known of other nameservers is not kept: there is one more of them in each network. */
  forgetOthers(nameservers: readonly Nameserver[]): void {
    const kept = new Set(nameservers.map(({ address }) => address));
    for (const known of [this.#tcpPaths, this.#withoutUdpUntilMs]) {
      for (const address of known.keys()) if (!kept.has(address)) known.delete(address);
    }
  }

  /** Gives up what is waited for. */
  close(): void {
    for (const pending of [...this.#byKey.values()]) this.#end(pending);
    for (const connection of this.#connections) connection.destroy();
    this.#sockets.close();
  }

  #begin(nameserver: Nameserver, packet: Buffer, key: string): Pending | undefined {
    const own = this.#sockets.any(familyOf(nameserver.address));
    if (own === undefined) {
      this.#overload.report(
        `this machine has no port to ask ${nameserver.address} from, queries to it are dropped`,
      );
      return undefined;
    }
    if (this.#byKey.size >= MAX_PENDING) {
      this.#overload.report(`${MAX_PENDING} queries wait for nameservers, further ones are dropped`);
      return undefined;
    }
    let id = randomInt(0x1_0000);
    while (this.#byAnswer.has(answerKey(own, nameserver.address, id))) id = randomInt(0x1_0000);
    const ours = Buffer.from(packet);
    ours.writeUInt16BE(id, 0);
    const timer = setTimeout(() => this.#end(pending), PENDING_TIMEOUT_MS);
    const pending: Pending = {
      key,
      id,
      packet: ours,
      own,
      nameserver,
      waiting: new Map(),
      timer,
      sentAtMs: Number.NEGATIVE_INFINITY,
      patience: undefined,
    };
    this.#byKey.set(key, pending);
    this.#byAnswer.set(answerKey(own, nameserver.address, id), pending);
    return pending;
  }

  /** What does not come from where it was asked, or answers something else, is not believed (RFC 5452 section 9.1). */
  #receive(message: Buffer, { address, port }: RemoteInfo, own: QuerySocket): void {
    if (message.length < 12 || port !== DNS_PORT) return;
    const from = address.replace(/%.*/, '');
    const pending = this.#byAnswer.get(answerKey(own, from, message.readUInt16BE(0)));
    if (pending === undefined || !isAnswerTo(message, pending.packet)) return;
    this.#answer(pending, message);
  }

  #answer(pending: Pending, message: Buffer): void {
    this.#end(pending);
    for (const { id, reply } of pending.waiting.values()) {
      const answer = Buffer.from(message);
      answer.writeUInt16BE(id, 0);
      reply(answer);
    }
  }

  #end(pending: Pending): void {
    clearTimeout(pending.timer);
    clearTimeout(pending.patience);
    this.#byKey.delete(pending.key);
    this.#byAnswer.delete(answerKey(pending.own, pending.nameserver.address, pending.id));
  }
}

function answerKey({ port }: QuerySocket, address: string, id: number): string {
  return `${port} ${address} ${id}`;
}
