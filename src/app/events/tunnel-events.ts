import { messageOf, TshuttleError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { printableLine } from '../../core/printable.ts';
import type { ReportedEventProblem } from '../../daemon/control/protocol.ts';
import type { Prompter } from '../../ssh/prompter.ts';
import type { Tunnel } from '../../tunnel/tunnel.ts';
import { exitCodeOf, failuresIn, isWorthAnotherTry } from '../exit-code.ts';
import { problemsOf } from '../running-tunnels/health.ts';
import { PacedDelivery } from './paced-delivery.ts';
import { eventBetween, type Situation, situationOf } from './situation.ts';
import type { EventKind, EventSink, TunnelEvent } from './tunnel-event.ts';

/** Tells sinks what happens to one tunnel, from when it is up to its end. */
export class TunnelEvents {
  readonly #name: string;
  readonly #isWatched: boolean;
  readonly #logger: Logger;
  readonly #deliveries: readonly PacedDelivery[];
  readonly #problems = new Map<EventSink, ReportedEventProblem>();
  #bastion = '';
  #situation: Situation | undefined;
  #sinceMs = 0;

  /** @param isWatched whether the user reads what is said, as long as it is not up */
  constructor(
    { name, isWatched }: { readonly name: string; readonly isWatched: boolean },
    sinks: readonly EventSink[],
    logger: Logger,
  ) {
    this.#name = name;
    this.#isWatched = isWatched;
    this.#logger = logger;
    this.#deliveries = sinks.map(
      (sink) => new PacedDelivery(sink, (event, failure) => this.#onOutcome(sink, event, failure)),
    );
  }

  /** The sinks whose last delivery has failed. */
  get problems(): readonly ReportedEventProblem[] {
    return [...this.#problems.values()];
  }

  /** Follows a tunnel that is up, until it is stopped. */
  follow(tunnel: Pick<Tunnel, 'status' | 'onChange' | 'readyLine'>): void {
    const look = (): void => this.#look(tunnel);
    tunnel.onChange(look);
    look();
  }

  /** The same prompter, of whose questions sinks are told: whoever is to answer may look elsewhere. */
  watching(prompter: Prompter): Prompter {
    return {
      get available() {
        return prompter.available;
      },
      mayAskAgain: prompter.mayAskAgain,
      waitForNextCode: prompter.waitForNextCode,
      ask: (question, options) => {
        this.#asked(question);
        return prompter.ask(question, options);
      },
      show: (text) => prompter.show(text),
    };
  }

  /**
   * Tells of the end, and waits until that is done, for 2 s at most. Never rejects.
   *
   * A start that failed is told only where nobody reads that anyway, and another try would not help: else a service manager makes
   * one every few seconds.
   *
   * @param failure why it has ended; left out: it was asked to
   */
  async end(failure?: unknown): Promise<void> {
    const wasUp = this.#situation !== undefined;
    let last: TunnelEvent | undefined;
    if (failure === undefined) {
      if (wasUp) last = this.#event('down', { message: 'stopped as asked' });
    } else if (wasUp || !(this.#isWatched || isWorthAnotherTry(exitCodeOf(failure)))) {
      const [first] = failuresIn(failure);
      const remedy = first instanceof TshuttleError ? (first.remedy ?? null) : null;
      last = this.#event('given-up', { message: messageOf(first), remedy });
    }
    await Promise.all(this.#deliveries.map((delivery) => delivery.end(last)));
  }

  #look(tunnel: Pick<Tunnel, 'status' | 'readyLine'>): void {
    const status = tunnel.status();
    const before = this.#situation;
    const now = situationOf(status, before);
    const kind = eventBetween(before, now);
    if (kind === undefined) return;
    this.#bastion = status.bastion;
    if (now === 'up') {
      const awayS = Math.round((Date.now() - this.#sinceMs) / 1_000);
      const message = kind === 'up' ? tunnel.readyLine : `works again, after ${awayS} s`;
      this.#enter(now, this.#event(kind, { message, sinceMs: status.state.sinceMs }));
      return;
    }
    const [problem] = problemsOf({ name: this.#name, status }, Date.now());
    const { what: message = 'the bastion is not connected', remedy = null } = problem ?? {};
    const sinceMs = (now === 'lost' ? status.lostSinceMs : null) ?? status.state.sinceMs;
    this.#enter(now, this.#event(kind, { message, remedy, sinceMs }));
  }

  #asked(question: string): void {
    // Before it is up, the user has just started it.
    if (this.#situation === undefined || this.#situation === 'needs-login') return;
    const message = `the bastion asks: ${printableLine(question)}`;
    this.#enter('needs-login', this.#event('needs-login', { message, remedy: 'answer where tshuttle asks' }));
  }

  #enter(situation: Situation, event: TunnelEvent): void {
    // From lost to a login that is needed, it is away for as long as before.
    if (situation === 'up' || this.#situation === 'up' || this.#situation === undefined)
      this.#sinceMs = event.sinceMs;
    this.#situation = situation;
    for (const delivery of this.#deliveries) delivery.tell(event);
  }

  #event(
    kind: EventKind,
    { message, remedy = null, sinceMs = Date.now() }: Partial<TunnelEvent> & Pick<TunnelEvent, 'message'>,
  ): TunnelEvent {
    return { kind, name: this.#name, bastion: this.#bastion, message, remedy, sinceMs };
  }

  #onOutcome(sink: EventSink, { kind }: TunnelEvent, failure: Error | undefined): void {
    if (failure === undefined) {
      this.#problems.delete(sink);
      return;
    }
    const what = `${sink.name}: ${kind} was not told: ${failure.message}`;
    if (sink.isBestEffort) {
      this.#logger.debug(what);
      return;
    }
    this.#problems.set(sink, { what, remedy: sink.remedy, lastAtMs: Date.now() });
    this.#logger.warn(`${what} -> ${sink.remedy}`);
  }
}
