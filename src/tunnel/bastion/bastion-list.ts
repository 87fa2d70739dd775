import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { BastionStanding } from '../status/status.ts';
import { afterFailure, isCutOffLogin } from './attempt-decision.ts';
import { type BastionAttempt, BastionRace } from './bastion-race.ts';
import { type Connections, NOBODY } from './connections.ts';
import type { Attempt } from './running-attempt.ts';

/** Connects to one bastion. */
export type OpenBastion = (index: number, attempt: BastionAttempt, isFirst: boolean) => Promise<Connections>;

interface Known {
  readonly name: string;
  /** It did not let us in: only the user has it tried again. */
  refusal: TshuttleError | undefined;
  /** Logins in a row that broke off. */
  cutOffLogins: number;
  /** Whether its last login asked the user. */
  asks: boolean;
  lastError: string | undefined;
}

/**
 * The bastions of a tunnel, in the order in which they are tried. Each has a memory of its own: one that has refused a login is left alone until
 * the user acts, and one that asks is not called where nobody could answer.
 */
export class BastionList {
  readonly #open: OpenBastion;
  readonly #all: readonly Known[];
  #used = 0;

  /** @param names at least one, as people know them */
  constructor(names: readonly string[], open: OpenBastion) {
    this.#open = open;
    this.#all = names.map((name) => ({
      name,
      refusal: undefined,
      cutOffLogins: 0,
      asks: false,
      lastError: undefined,
    }));
  }

  /** The place in the list of the one that was connected to last. */
  get used(): number {
    return this.#used;
  }

  /** Whether each that could be tried would ask the user. */
  get wouldAsk(): boolean {
    const open = this.#all.filter(({ refusal }) => refusal === undefined);
    return open.length > 0 && open.every(({ asks }) => asks);
  }

  /** For people; empty where there is only one, of which all is said elsewhere. */
  get standings(): readonly BastionStanding[] {
    if (this.#all.length === 1) return [];
    return this.#all.map(({ name, lastError }, index) => ({
      bastion: name,
      isUsed: index === this.#used,
      lastError: lastError ?? null,
    }));
  }

  /**
   * Connects to the first that is usable.
   *
   * @throws TshuttleError where none is: that of the only one, or one that names all, with the code of one that is worth another attempt,
   *   where there is such a one
   */
  async connect(attempt: Attempt, isFirst: boolean): Promise<Connections> {
    if (this.#all.length === 1) return await this.#open(0, { ...attempt, onReached: () => {} }, isFirst);
    const usable = this.#usable(attempt);
    const refused = this.#all.find(({ refusal }) => refusal !== undefined)?.refusal;
    if (usable.length === 0 && refused !== undefined) throw refused;
    const { index, connections } = await this.#connectTo(usable, attempt, isFirst);
    this.use(index);
    return connections;
  }

  /**
   * Connects to one that is before the one in use, asking nobody.
   *
   * @returns undefined where none of these may be tried; else {@link BastionList.use} is to be called where the connections are kept
   * @throws as `connect`
   */
  async connectToEarlier(
    signal: AbortSignal,
  ): Promise<{ readonly index: number; readonly connections: Connections } | undefined> {
    const attempt: Attempt = { prompter: NOBODY, signal, isUserInitiated: false, onAsked: () => {} };
    const earlier = this.#usable(attempt).filter((index) => index < this.#used && !this.#all[index]!.asks);
    return earlier.length === 0 ? undefined : await this.#connectTo(earlier, attempt, false);
  }

  /** Another one is in use now. */
  use(index: number): void {
    this.#used = index;
  }

  #usable({ prompter, isUserInitiated }: Attempt): readonly number[] {
    const open = [...this.#all.keys()].filter(
      (index) => isUserInitiated || this.#all[index]!.refusal === undefined,
    );
    const silent = open.filter((index) => prompter.available || !this.#all[index]!.asks);
    // Where each asks, one says so.
    return silent.length > 0 ? silent : open;
  }

  async #connectTo(
    indexes: readonly number[],
    attempt: Attempt,
    isFirst: boolean,
  ): Promise<{ readonly index: number; readonly connections: Connections }> {
    const race = new BastionRace(indexes, attempt, {
      open: async (index, own) => await this.#connectToOne(index, own, isFirst),
      close: (connections) => connections.close(),
    });
    const outcome = await race.run();
    if (outcome.kind === 'won') return { index: outcome.index, connections: outcome.value };
    attempt.signal.throwIfAborted();
    throw this.#failureOf(outcome.errors);
  }

  async #connectToOne(index: number, attempt: BastionAttempt, isFirst: boolean): Promise<Connections> {
    const known = this.#all[index]!;
    let hasAsked = false;
    const onAsked = (): void => {
      hasAsked = true;
      attempt.onAsked();
    };
    try {
      const connections = await this.#open(index, { ...attempt, onAsked }, isFirst);
      Object.assign(known, { refusal: undefined, cutOffLogins: 0, asks: hasAsked, lastError: undefined });
      return connections;
    } catch (error) {
      if (!attempt.signal.aborted) this.#learn(known, error, hasAsked);
      throw error;
    }
  }

  #learn(known: Known, error: unknown, hasAsked: boolean): void {
    known.lastError = messageOf(error);
    known.asks ||= hasAsked;
    const after = afterFailure(error, known.cutOffLogins);
    known.cutOffLogins = isCutOffLogin(error) ? known.cutOffLogins + 1 : 0;
    if (after === 'wait for the user' && error instanceof TshuttleError) known.refusal = asRefusal(error);
  }

  #failureOf(errors: ReadonlyMap<number, unknown>): unknown {
    const all = [...errors.values()];
    const main = all.find((error) => afterFailure(error, 0) === 'try again') ?? all[0];
    const each = this.#all.map(
      ({ name, refusal }, index) => `${name}: ${messageOf(errors.get(index) ?? refusal ?? 'not tried')}`,
    );
    const code = main instanceof TshuttleError ? main.code : 'ERR_INTERNAL';
    const remedy = main instanceof TshuttleError ? main.remedy : undefined;
    return new TshuttleError(code, `none of ${this.#all.length} bastions can be used: ${each.join('; ')}`, {
      ...(remedy === undefined ? {} : { remedy }),
      // A login that broke off has been counted for its bastion.
      cause: main,
    });
  }
}

/** Logins that break off are not told apart from a lost way by their code, but are no more worth another attempt. */
function asRefusal(error: TshuttleError): TshuttleError {
  if (afterFailure(error, 0) === 'wait for the user') return error;
  const { message, remedy } = error;
  return new TshuttleError('ERR_BASTION_AUTH', message, {
    ...(remedy === undefined ? {} : { remedy }),
    cause: error,
  });
}
