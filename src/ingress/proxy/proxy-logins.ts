import type { Socket } from 'node:net';
import type { Logger } from '../../core/log.ts';
import { type Endpoint, makeEndpoint } from '../../net/address/endpoint.ts';
import { addressBytes } from '../../net/address/literal.ts';
import { isOwnAddress } from '../../net/machine/local-addresses.ts';
import { openSocketDiag } from '../../net/native/netlink/socket-diag.ts';
import { mayUse, type ProxyCredentials } from './proxy-credentials.ts';

/** Whether a client may use the proxy; `later`, without a look at the password, after too many guesses. */
export type LoginVerdict = 'welcome' | 'wrong' | 'later';

/** Wrong passwords that cost nothing: a user mistypes, a program has an old one. */
const FREE_GUESSES = 5;
/** Each further login of the same client is judged so much later than the one before, in ms. */
const GUESS_MS = 1_000;
/** One that would have to wait longer is rejected, in ms: so few wait at once, and within the time of a handshake. */
const LONGEST_WAIT_MS = 15_000;
/** The oldest is forgotten for another one. */
const MAX_GUESSERS = 1_024;

/** A client that has guessed. */
interface Guesser {
  /** Until when his guesses are paid for (the generic cell rate algorithm). */
  paidUntilMs: number;
  isTold: boolean;
}

/** The clock and the peers, replaced in tests. */
export interface LoginSurroundings {
  /** Who a client is, as far as guesses go; undefined for one that need not guess. */
  readonly guesserOf: (client: Socket) => string | undefined;
  readonly nowMs: () => number;
}

/**
 * Judges the logins of all proxies of a tunnel, and slows guesses down: of one user of this machine, or one other machine, without a
 * wait for others.
 *
 * A client that has guessed waits whether it is right or wrong, before it hears: else it would take a slow answer for a wrong one, hang
 * up, and try the next. What is right costs nothing.
 */
export class ProxyLogins {
  readonly #wanted: ProxyCredentials | undefined;
  readonly #logger: Logger;
  readonly #surroundings: LoginSurroundings;
  /** The one whose last guess is the oldest first. */
  readonly #guessers = new Map<string, Guesser>();

  /** @param wanted undefined: everybody who can connect is welcome */
  constructor(
    wanted: ProxyCredentials | undefined,
    logger: Logger,
    surroundings: LoginSurroundings = { guesserOf, nowMs: () => performance.now() },
  ) {
    this.#wanted = wanted;
    this.#logger = logger;
    this.#surroundings = surroundings;
  }

  /** Whether clients have to show something. */
  get areAsked(): boolean {
    return this.#wanted !== undefined;
  }

  /** Judges a client by what it shows; nothing is no guess. Never rejects. */
  async judge(client: Socket, shown: ProxyCredentials | undefined): Promise<LoginVerdict> {
    const isRight = mayUse(this.#wanted, shown);
    if (shown === undefined || this.#wanted === undefined) return isRight ? 'welcome' : 'wrong';
    if (isRight && this.#guessers.size === 0) return 'welcome';
    const guesser = this.#surroundings.guesserOf(client);
    if (guesser === undefined) return isRight ? 'welcome' : 'wrong';
    const waitMs = this.#pay(guesser);
    if (waitMs > LONGEST_WAIT_MS) return 'later';
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (isRight) this.#giveBack(guesser);
    return isRight ? 'welcome' : 'wrong';
  }

  /** @returns how long this login has to wait for its turn, in ms; it has none beyond {@link LONGEST_WAIT_MS} */
  #pay(name: string): number {
    const nowMs = this.#surroundings.nowMs();
    this.#forget(nowMs);
    const guesser = this.#guessers.get(name) ?? { paidUntilMs: nowMs, isTold: false };
    const owedMs = Math.max(0, guesser.paidUntilMs - nowMs);
    const waitMs = Math.max(0, owedMs - (FREE_GUESSES - 1) * GUESS_MS);
    if (waitMs > LONGEST_WAIT_MS) return waitMs;
    if (waitMs > 0 && !guesser.isTold) {
      guesser.isTold = true;
      this.#logger.warn(`wrong passwords for the proxy, from ${name}: its further ones are slowed down`);
    }
    guesser.paidUntilMs = nowMs + owedMs + GUESS_MS;
    this.#guessers.delete(name);
    this.#guessers.set(name, guesser);
    return waitMs;
  }

  #giveBack(name: string): void {
    const guesser = this.#guessers.get(name);
    if (guesser !== undefined) guesser.paidUntilMs -= GUESS_MS;
  }

  /** Those who have paid, from the oldest on, and that one where there are too many. */
  #forget(nowMs: number): void {
    for (const [name, { paidUntilMs }] of this.#guessers) {
      if (paidUntilMs > nowMs && this.#guessers.size < MAX_GUESSERS) return;
      this.#guessers.delete(name);
    }
  }
}

/** The user of this machine that a client belongs to (native-notes/peer-credentials.md), or the network that it calls from. */
function guesserOf(client: Socket): string | undefined {
  const remote = makeEndpoint(client.remoteAddress ?? '', client.remotePort ?? 0);
  const local = makeEndpoint(client.localAddress ?? '', client.localPort ?? 0);
  if (remote === undefined || local === undefined) return 'unknown';
  const userId = isOwnAddress(remote.address) ? userOf(remote, local) : undefined;
  // This user's own programs need no guess: they can read the password file.
  if (userId !== undefined) return userId === process.geteuid?.() ? undefined : `user ${userId}`;
  if (remote.family === 4) return remote.address;
  // Who has one IPv6 address has its whole network of them.
  return `${addressBytes(remote.address).subarray(0, 8).toString('hex')}::/64`;
}

/** @returns undefined where the system does not tell: not Linux, or without native code */
function userOf(own: Endpoint, peer: Endpoint): number | undefined {
  try {
    const sockets = openSocketDiag();
    try {
      return sockets.find(own, peer)?.userId;
    } finally {
      sockets.close();
    }
  } catch {
    return undefined;
  }
}
