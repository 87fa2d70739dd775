import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { watchNameservers } from '../system/nameserver-watch.ts';
import type { Nameserver } from '../system/resolv-conf.ts';

/** Why queries to some nameservers do not come here; for people. */
export interface NameserverProblem {
  readonly cause: 'nameservers';
  readonly what: string;
  readonly remedy: string;
}

/** Has queries redirected from whichever nameservers this machine is told to ask, as in another network. */
export class FollowedNameservers {
  readonly #redirect: (nameservers: readonly Nameserver[]) => Promise<void>;
  readonly #logger: Logger;
  readonly #watchFrom: typeof watchNameservers;
  #watch: { stop(): void } | undefined;
  /** Those that this machine was told to ask last; undefined before the first change. */
  #latest: readonly Nameserver[] | undefined;
  #problem: NameserverProblem | undefined;

  /**
   * @param redirect has queries to these captured from now on, and to no others
   * @param watchFrom tests put their own here
   */
  constructor(
    redirect: (nameservers: readonly Nameserver[]) => Promise<void>,
    logger: Logger,
    watchFrom = watchNameservers,
  ) {
    this.#redirect = redirect;
    this.#logger = logger;
    this.#watchFrom = watchFrom;
  }

  /** That the last change had no effect; undefined when it had. */
  get problem(): NameserverProblem | undefined {
    return this.#problem;
  }

  /** Follows them from now on. @param known those whose queries are redirected */
  follow(known: readonly Nameserver[]): void {
    this.stop();
    const watch = this.#watchFrom(known, (nameservers) => {
      if (this.#watch !== watch) return;
      this.#problem = undefined;
      void this.#change(nameservers);
    });
    this.#watch = watch;
  }

  /** Does once more what has failed. Never rejects. */
  async tryAgain(): Promise<void> {
    if (this.#problem !== undefined && this.#latest !== undefined) await this.#change(this.#latest);
  }

  /** What has failed is wanted no more. Idempotent. */
  stop(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#latest = undefined;
    this.#problem = undefined;
  }

  async #change(nameservers: readonly Nameserver[]): Promise<void> {
    this.#latest = nameservers;
    const addresses = nameservers.map(({ address }) => address).join(', ');
    try {
      await this.#redirect(nameservers);
      if (this.#latest !== nameservers) return;
      this.#problem = undefined;
      this.#logger.info(`this machine asks other nameservers, whose queries are captured now: ${addresses}`);
    } catch (error) {
      // Others are wanted by now, or none.
      if (this.#latest !== nameservers) return;
      const what = `DNS queries to ${addresses} are not captured: ${messageOf(error)}`;
      if (this.#problem?.what !== what) this.#logger.warn(what);
      const remedy = 'tshuttle doctor has it tried again; see whether another program has that port';
      this.#problem = { cause: 'nameservers', what, remedy };
    }
  }
}
