import type { PfDevice } from '../../../../net/native/pf/pf-device.ts';
import { countPfRules, PF_RULE_LAYOUTS } from '../../../../net/native/pf/rules.ts';
import type { PfMachine } from './pf-machine.ts';

/**
 * Tells whether anybody has changed rules since we have last seen that ours are there, by the numbers that the kernel gives each list
 * of rules anew with each change: some µs, where a look with pfctl(8) takes three processes. Where the kernel does not tell, it may be so.
 */
export class RuleTickets {
  readonly #machine: PfMachine;
  #device: PfDevice | 'none' | undefined;
  #kept: string | undefined;

  constructor(machine: PfMachine) {
    this.#machine = machine;
  }

  /** Whether all is as it was when {@link RuleTickets.keep} was called last. */
  areUnchanged(anchor: string): boolean {
    return this.#kept !== undefined && this.#kept === this.read(anchor);
  }

  /** The numbers of the main ruleset's lists and an anchor's; undefined where the kernel does not tell. */
  read(anchor: string): string | undefined {
    this.#device ??= this.#open();
    const device = this.#device;
    if (device === 'none') return undefined;
    const tickets: number[] = [];
    for (const path of ['', anchor]) {
      for (const list of ['rdr-anchor', 'anchor'] as const) {
        const layout = PF_RULE_LAYOUTS[this.#machine.platform];
        const rules = countPfRules(device, layout, path, list);
        if (rules === undefined || rules === 'refused') return undefined;
        tickets.push(rules.ticket, rules.count);
      }
    }
    return tickets.join(' ');
  }

  /** @param seen read before the rules were looked at, so that no change is missed; undefined: look at them next time */
  keep(seen: string | undefined): void {
    this.#kept = seen;
  }

  /** Idempotent. */
  close(): void {
    if (this.#device !== undefined && this.#device !== 'none') this.#device.close();
    this.#device = undefined;
    this.#kept = undefined;
  }

  #open(): PfDevice | 'none' {
    try {
      return this.#machine.openDevice();
    } catch {
      return 'none';
    }
  }
}
