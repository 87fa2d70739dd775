import { randomInt } from 'node:crypto';
import type { RemoteInfo } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { systemCodeOf } from '../core/errors.ts';
import type { IpFamily } from '../net/endpoint.ts';
import { isAnswerTo } from './message.ts';
import { type OwnSocket, OwnSockets, type ReceiveDatagram } from './own-sockets.ts';
import type { Nameserver } from './resolv-conf.ts';

const DNS_PORT = 53;

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

/** A port may still be in use for a connection to the same nameserver. */
const CONNECT_ATTEMPTS = 15;

/** For how long a nameserver may not accept a connection. */
const CONNECT_TIMEOUT_MS = 5_000;

interface Waiting {
  readonly id: number;
  readonly reply: (answer: Buffer) => void;
}

interface Pending {
  readonly key: string;
  readonly id: number;
  readonly packet: Buffer;
  readonly own: OwnSocket;
  readonly nameserver: Nameserver;
  /** By who asked. */
  readonly waiting: Map<string, Waiting>;
  readonly timer: NodeJS.Timeout;
  sentAtMs: number;
}

/**
 * Passes packets on to the nameservers that clients have asked, and answers back, both byte for byte but for the id, which
 * is ours and cannot be guessed (RFC 5452 section 9). It asks from ports that the redirect lets pass.
 */
export class AskedResolvers {
  readonly #sockets: OwnSockets;
  readonly #byKey = new Map<string, Pending>();
  readonly #byAnswer = new Map<string, Pending>();
  readonly #connections = new Set<Socket>();

  private constructor(sockets: OwnSockets) {
    this.#sockets = sockets;
  }

  /** @throws Error of the system when no port can be had */
  static async open(families: readonly IpFamily[]): Promise<AskedResolvers> {
    const received: { take?: ReceiveDatagram } = {};
    const sockets = await OwnSockets.open(families, (...datagram) => received.take?.(...datagram));
    const resolvers = new AskedResolvers(sockets);
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
   * @param reply called once at most
   */
  pass(nameserver: Nameserver, packet: Buffer, client: string, reply: (answer: Buffer) => void): void {
    const key = `${nameserver.address} ${packet.toString('latin1', 2)}`;
    const id = packet.readUInt16BE(0);
    const pending = this.#byKey.get(key) ?? this.#begin(nameserver, packet, key);
    if (pending === undefined || pending.waiting.size >= MAX_WAITING) return;
    pending.waiting.set(`${client} ${id}`, { id, reply });
    const nowMs = performance.now();
    if (nowMs - pending.sentAtMs < REPEAT_AFTER_MS) return;
    pending.sentAtMs = nowMs;
    pending.own.socket.send(pending.packet, DNS_PORT, addressToSend(nameserver), () => {});
  }

  /** Connects to a nameserver by TCP. The caller owns the socket. @throws Error of the system */
  async connect(nameserver: Nameserver): Promise<Socket> {
    const first = randomInt(this.ports.length);
    for (let attempt = 0; ; attempt += 1) {
      const port = this.ports[(first + attempt) % this.ports.length]!;
      try {
        return await this.#connectFrom(port, nameserver);
      } catch (error) {
        const code = systemCodeOf(error);
        const isPortInUse = code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL';
        if (!isPortInUse || attempt + 1 >= Math.min(CONNECT_ATTEMPTS, this.ports.length)) throw error;
      }
    }
  }

  /** Gives up what is waited for. */
  close(): void {
    for (const pending of this.#byKey.values()) clearTimeout(pending.timer);
    this.#byKey.clear();
    this.#byAnswer.clear();
    for (const connection of this.#connections) connection.destroy();
    this.#sockets.close();
  }

  #begin(nameserver: Nameserver, packet: Buffer, key: string): Pending | undefined {
    const own = this.#sockets.any(nameserver.address.includes(':') ? 6 : 4);
    if (own === undefined || this.#byKey.size >= MAX_PENDING) return undefined;
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
    };
    this.#byKey.set(key, pending);
    this.#byAnswer.set(answerKey(own, nameserver.address, id), pending);
    return pending;
  }

  /** What does not come from where it was asked, or answers something else, is not believed (RFC 5452 section 9.1). */
  #receive(message: Buffer, { address, port }: RemoteInfo, own: OwnSocket): void {
    if (message.length < 12 || port !== DNS_PORT) return;
    const from = address.replace(/%.*/, '');
    const pending = this.#byAnswer.get(answerKey(own, from, message.readUInt16BE(0)));
    if (pending === undefined || !isAnswerTo(message, pending.packet)) return;
    this.#end(pending);
    for (const { id, reply } of pending.waiting.values()) {
      const answer = Buffer.from(message);
      answer.writeUInt16BE(id, 0);
      reply(answer);
    }
  }

  #end(pending: Pending): void {
    clearTimeout(pending.timer);
    this.#byKey.delete(pending.key);
    this.#byAnswer.delete(answerKey(pending.own, pending.nameserver.address, pending.id));
  }

  #connectFrom(localPort: number, nameserver: Nameserver): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: addressToSend(nameserver),
        port: DNS_PORT,
        localPort,
        allowHalfOpen: true,
        noDelay: true,
      });
      socket.on('error', reject);
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
      const timer = setTimeout(() => socket.destroy(new Error('timed out')), CONNECT_TIMEOUT_MS);
      socket.on('close', () => clearTimeout(timer));
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }
}

function answerKey({ port }: OwnSocket, address: string, id: number): string {
  return `${port} ${address} ${id}`;
}

function addressToSend({ address, scope }: Nameserver): string {
  return scope === undefined ? address : `${address}%${scope}`;
}
