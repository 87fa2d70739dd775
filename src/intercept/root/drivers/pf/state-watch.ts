import { currentStates, stateLimit } from './pf-facts.ts';
import { mustPfctl, type PfMachine } from './pf-machine.ts';

/** From here on a burst of connections may take what is left; said again when there was much more room in between. */
const FULL = 0.8;
const ROOMY = 0.6;

/** Tells when pf has hardly room for more connections: then it drops those that begin, of the whole machine. */
export class StateWatch {
  readonly #machine: PfMachine;
  #limit: number | undefined;
  #isTold = false;

  constructor(machine: PfMachine) {
    this.#machine = machine;
  }

  /** @param info what `pfctl -s info` prints. @throws RefusedError */
  async look(info: string): Promise<void> {
    const current = currentStates(info);
    if (current === undefined) return;
    this.#limit ??= stateLimit(await mustPfctl(this.#machine, ['-s', 'memory'])) ?? Number.POSITIVE_INFINITY;
    const share = current / this.#limit;
    if (share < ROOMY) this.#isTold = false;
    if (share < FULL || this.#isTold) return;
    this.#isTold = true;
    this.#machine.warn(
      `pf keeps ${current} of at most ${this.#limit} connections in mind, two for each that is captured, for a minute after its end: soon none can begin. Raise it in /etc/pf.conf: set limit states ${10 * this.#limit}`,
    );
  }
}
