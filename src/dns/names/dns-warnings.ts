import type { Logger } from '../../core/log.ts';
import type { RefusedAddressProblem } from '../../net/sockets/interfaces/refused-address.ts';
import { resolvedObstacles } from '../system/resolved-obstacles.ts';
import { searchWarning, systemSearchRules } from '../system/search-domains.ts';
import type { DnsOptions } from './dns-options.ts';
import type { NameserverProblem } from './followed-nameservers.ts';

/** Warns of what on this machine keeps names from being answered as wanted: each text once in a row. */
export class DnsWarnings {
  readonly #logger: Logger;
  #toldOfSearch: string | undefined;
  #toldOfOthers: readonly string[] = [];
  #ofFamilies: readonly NameserverProblem[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Of systemd-resolved, where it is the one that is asked. Never rejects. */
  async warnOfObstacles(options: DnsOptions | undefined): Promise<void> {
    if (options?.nameservers !== 'system') return;
    for (const obstacle of await resolvedObstacles()) this.#logger.warn(obstacle);
  }

  /** That these nameservers' family cannot be captured, as of the last {@link DnsWarnings.warnOfFamilies}. */
  get problems(): readonly NameserverProblem[] {
    return this.#ofFamilies;
  }

  /** Of all nameservers whose family cannot be captured now. */
  warnOfFamilies(nameservers: readonly string[]): void {
    const before = this.#ofFamilies.map(({ what }) => what);
    this.#ofFamilies = nameservers.map((nameserver) => ({
      cause: 'nameservers',
      what: `DNS queries to ${nameserver} are not captured: this machine cannot capture its family`,
      remedy:
        'have it ask another one, or name those that it asks by --ns-hosts; names in zones may be resolved past the tunnel',
    }));
    for (const { what, remedy } of this.#ofFamilies) {
      if (!before.includes(what)) this.#logger.warn(`${what} -> ${remedy}`);
    }
  }

  /** Of all addresses at which others' queries are not accepted now. */
  warnOfOthers(problems: readonly RefusedAddressProblem[]): void {
    const before = this.#toldOfOthers;
    this.#toldOfOthers = problems.map(({ what }) => what);
    for (const { what, remedy } of problems) {
      if (!before.includes(what)) this.#logger.warn(`${what} -> ${remedy}`);
    }
  }

  /** Of search domains that are in zones. */
  warnOfSearch(options: DnsOptions | undefined): void {
    const warning = searchWarning(systemSearchRules(), options?.zones ?? []);
    if (warning === undefined || warning.what === this.#toldOfSearch) return;
    this.#toldOfSearch = warning.what;
    const text = `${warning.what}; ${warning.remedy}`;
    if (warning.isHarmful) this.#logger.warn(text);
    else this.#logger.info(text);
  }
}
