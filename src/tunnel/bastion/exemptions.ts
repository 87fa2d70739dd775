import { type Endpoint, sameEndpoint } from '../../net/address/endpoint.ts';

/** While the bastion is down it may have one address after the other. */
const MAX_FORMER = 32;

/**
 * What must never be captured, because the connections to the bastion go there. Kept in effect over a reconnection, so that
 * rules change only when addresses do.
 */
export class Exemptions {
  readonly #apply: () => Promise<void>;
  #endpoints: readonly Endpoint[] = [];
  #dialled: readonly Endpoint[] = [];
  #kept: readonly Endpoint[] = [];
  #inEffect: Promise<void> = Promise.resolve();

  /** @param apply has what {@link Exemptions.endpoints} says by then never captured; resolves when that is in effect. */
  constructor(apply: () => Promise<void>) {
    this.#apply = apply;
  }

  /** All of them, now. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** From now on it is another connection that counts; what was dialled before stays until {@link Exemptions.settle}. */
  startOver(): void {
    this.#dialled = [];
  }

  /** Before something is dialled: when it has resolved, that is never captured. @throws as the rules do */
  async add(endpoint: Endpoint): Promise<void> {
    if (!includes(this.#dialled, endpoint)) this.#dialled = [...this.#dialled, endpoint];
    if (includes(this.#endpoints, endpoint)) await this.#inEffect;
    else await this.#set([...this.#endpoints.slice(-MAX_FORMER), endpoint]);
  }

  /** Has these never captured from now on, whatever is connected to. @throws as the rules do */
  async keep(endpoints: readonly Endpoint[]): Promise<void> {
    this.#kept = endpoints;
    const others = endpoints.filter((one) => !includes(this.#endpoints, one));
    if (others.length > 0) await this.#set([...this.#endpoints, ...others]);
  }

  /** The connection stands: only what was dialled for it stays, and where it leads. @throws as the rules do */
  async settle(peers: readonly Endpoint[]): Promise<void> {
    const wanted: Endpoint[] = [];
    for (const one of [...this.#dialled, ...peers, ...this.#kept])
      if (!includes(wanted, one)) wanted.push(one);
    const isSame =
      wanted.length === this.#endpoints.length && wanted.every((one) => includes(this.#endpoints, one));
    if (!isSame) await this.#set(wanted);
  }

  async #set(endpoints: readonly Endpoint[]): Promise<void> {
    const before = this.#endpoints;
    this.#endpoints = endpoints;
    this.#inEffect = this.#apply();
    try {
      await this.#inEffect;
    } catch (error) {
      if (this.#endpoints === endpoints) this.#endpoints = before;
      throw error;
    }
  }
}

function includes(endpoints: readonly Endpoint[], wanted: Endpoint): boolean {
  return endpoints.some((one) => sameEndpoint(one, wanted));
}
