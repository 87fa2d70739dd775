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
  #failed: { readonly nameservers: readonly Nameserver[]; readonly problem: NameserverProblem } | undefined;

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
    return this.#failed?.problem;
  }

  /** Follows them from now on. @param known those whose queries are redirected */
  follow(known: readonly Nameserver[]): void {
    this.stop();
    this.#watch = this.#watchFrom(known, (nameservers) => void this.#change(nameservers));
  }

  /** Does once more what has failed. Never rejects. */
  async tryAgain(): Promise<void> {
    if (this.#failed !== undefined) await this.#change(this.#failed.nameservers);
  }

  /** What has failed is wanted no more. Idempotent. */
  stop(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#failed = undefined;
  }

  async #change(nameservers: readonly Nameserver[]): Promise<void> {
    const watch = this.#watch;
    if (watch === undefined) return;
    const addresses = nameservers.map(({ address }) => address).join(', ');
    try {
      await this.#redirect(nameservers);
      if (this.#watch !== watch) return;
      this.#failed = undefined;
      this.#logger.info(`this machine asks other nameservers, whose queries are captured now: ${addresses}`);
    } catch (error) {
      // Others are wanted by now, or none.
      if (this.#watch !== watch) return;
      const what = `DNS queries to ${addresses} are not captured: ${messageOf(error)}`;
      if (this.#failed?.problem.what !== what) this.#logger.warn(what);
      const remedy = 'tshuttle doctor has it tried again; see whether another program has that port';
      this.#failed = { nameservers, problem: { cause: 'nameservers', what, remedy } };
    }
  }
}
