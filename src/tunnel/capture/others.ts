import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { CapturedDns } from '../../dns/names/captured-dns.ts';
import type { CaptureProblem } from '../../ingress/capture-check/capture-problem.ts';
import type { RedirectIngress } from '../../ingress/redirect-ingress.ts';
import { formatTrafficSource, type TrafficSource } from '../../net/address/traffic-source.ts';
import { interfacesOf, type SourceInterfaces } from '../../net/machine/source-interfaces.ts';

/** What {@link Others} keep at the interfaces by which others' connections come in. */
interface OthersContext {
  readonly ingress: Pick<RedirectIngress, 'followOthers'>;
  readonly dns: Pick<CapturedDns, 'followOthers'>;
  readonly logger: Logger;
  /** Finds the interfaces; tests have their own. */
  readonly find?: (sources: readonly TrafficSource[]) => Promise<SourceInterfaces>;
}

/**
 * Has connections and queries of others accepted at the interfaces that they come in by, which come and go: containers' bridges do.
 * Without sources it does nothing.
 */
export class Others {
  readonly #sources: readonly TrafficSource[];
  readonly #context: OthersContext;
  #told = '';
  #problem: CaptureProblem | undefined;
  /** Those that the rules know. */
  #links = '[]';
  #last: Promise<void> = Promise.resolve();

  constructor(sources: readonly TrafficSource[], context: OthersContext) {
    this.#sources = sources;
    this.#context = context;
  }

  /** Why the last look had no effect; empty when it had. */
  get problems(): readonly CaptureProblem[] {
    return this.#problem === undefined ? [] : [this.#problem];
  }

  /** Looks again where the last look had no effect. Never rejects. */
  async tryAgain(recapture: () => Promise<void>): Promise<void> {
    if (this.#problem !== undefined) await this.follow(recapture);
  }

  /**
   * Looks at the interfaces when the last look is over. Never rejects.
   *
   * @param recapture sets the rules anew, where they are to know other links; left out: they are set later
   */
  follow(recapture: () => Promise<void> = async () => {}): Promise<void> {
    this.#last = this.#last.then(() => this.#followNow(recapture));
    return this.#last;
  }

  async #followNow(recapture: () => Promise<void>): Promise<void> {
    if (this.#sources.length === 0) return;
    const { ingress, dns, logger, find = interfacesOf } = this.#context;
    try {
      const interfaces = await find(this.#sources);
      await dns.followOthers(interfaces.addresses);
      await ingress.followOthers(interfaces);
      this.#tell(interfaces);
      const links = JSON.stringify(interfaces.links);
      if (links !== this.#links) await recapture();
      this.#links = links;
      this.#problem = undefined;
    } catch (error) {
      const what = `connections of others are not captured where they come in by now: ${messageOf(error)}`;
      if (this.#problem?.what !== what) logger.warn(what);
      this.#problem = { cause: 'others-listener', what, remedy: 'tshuttle doctor has it tried again' };
    }
  }

  #tell({ addresses }: SourceInterfaces): void {
    const { logger } = this.#context;
    const names = [...new Set(addresses.map(({ interfaceName }) => interfaceName))].join(', ');
    const from = this.#sources.map(formatTrafficSource).join(', ');
    const text =
      names === ''
        ? `nothing comes in from ${from} yet: no such interface is up; what does is captured as soon as one is`
        : `what others send through this machine is captured, too, where it comes in by ${names} (${from})`;
    if (text === this.#told) return;
    this.#told = text;
    logger.info(text);
  }
}
