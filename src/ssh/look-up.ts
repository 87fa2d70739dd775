import { lookup } from 'node:dns/promises';

/** The addresses of a host in the order in which they are to be tried; `family` 0 is any. */
export type LookUpHost = (host: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/** Asks the resolver of this machine, as other programs do; rejects as `dns.lookup` does. */
export const lookUpHost: LookUpHost = async (host, family) =>
  (await lookup(host, { all: true, family })).map(({ address }) => address);

/** Look-ups of one host at once: each takes a thread of libuv's four, for as long as no name server answers. */
const MAX_AT_ONCE = 2;

/** Remembers what a machine's resolver has said of hosts, for when it says nothing: in another network, or in none. */
export class RememberedHosts {
  readonly #lookUp: LookUpHost;
  readonly #known = new Map<string, readonly string[]>();
  readonly #running = new Map<string, Promise<readonly string[]>[]>();

  constructor(lookUp: LookUpHost = lookUpHost) {
    this.#lookUp = lookUp;
  }

  /** Asks without a limit, and remembers. @throws as the look-up does */
  readonly lookUp: LookUpHost = async (host, family) => {
    const addresses = await this.#lookUp(host, family);
    this.#known.set(`${family} ${host}`, addresses);
    return addresses;
  };

  /**
   * Asks again each time; what was said before stands in for an answer that does not come within `limitMs`.
   *
   * @throws as the look-up does where nothing was ever said; Error when it takes too long
   */
  within(limitMs: number): LookUpHost {
    return async (host, family) => {
      const key = `${family} ${host}`;
      const asked = this.#ask(key, host, family);
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error('no name server answers')), limitMs);
      });
      try {
        return await Promise.race([asked, tooLong]);
      } catch (error) {
        const known = this.#known.get(key);
        if (known === undefined) throw error;
        return known;
      } finally {
        clearTimeout(timer);
      }
    };
  }

  #ask(key: string, host: string, family: 0 | 4 | 6): Promise<readonly string[]> {
    const running = this.#running.get(key) ?? [];
    this.#running.set(key, running);
    const last = running.at(-1);
    if (last !== undefined && running.length >= MAX_AT_ONCE) return last;
    const asked = this.lookUp(host, family);
    running.push(asked);
    const isOver = (): void => void running.splice(running.indexOf(asked), 1);
    asked.then(isOver, isOver);
    return asked;
  }
}
