import type { Logger } from '../../core/log.ts';
import { resolvedObstacles } from '../system/resolved-obstacles.ts';
import { searchWarning, systemSearchRules } from '../system/search-domains.ts';
import type { DnsOptions } from './dns-options.ts';

/** Warns of what on this machine keeps names from being answered as wanted: each text once in a row. */
export class DnsWarnings {
  readonly #logger: Logger;
  #toldOfSearch: string | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Of systemd-resolved, where it is the one that is asked. Never rejects. */
  async warnOfObstacles(options: DnsOptions | undefined): Promise<void> {
    if (options?.nameservers !== 'system') return;
    for (const obstacle of await resolvedObstacles()) this.#logger.warn(obstacle);
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
