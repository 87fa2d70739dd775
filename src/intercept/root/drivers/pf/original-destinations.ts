import type { Endpoint } from '../../../../net/address/endpoint.ts';
import {
  askNatlook,
  findNatlookLayout,
  type NatlookLayout,
  type NatlookResult,
} from '../../../../net/native/pf/natlook.ts';
import type { PfDevice } from '../../../../net/native/pf/pf-device.ts';
import type { LookUp } from '../../../../net/sockets/redirected-connection.ts';
import { PF_LISTENERS } from '../../../rules/pf/pf-anchor.ts';
import { mustPfctl, type PfMachine } from './pf-machine.ts';
import { destinationsIn, parseStates } from './state-listing.ts';

/** The kernel's pf with the struct that it has, or `none`: its states are listed by pfctl(8). */
type Source = { readonly device: PfDevice; readonly layout: NatlookLayout } | 'none';

/**
 * Tells where connections that our listener has accepted were going to before pf redirected them: asks the kernel about each, which is
 * some µs, or, where it cannot be asked, lists its states once for all of them.
 */
export class OriginalDestinations {
  readonly #machine: PfMachine;
  readonly #listenerPort: number;
  #source: Source | undefined;
  /** What the kernel has refused with, which the answers do not say. */
  readonly #toldErrnos = new Set<number>();

  constructor(machine: PfMachine, listenerPort: number) {
    this.#machine = machine;
    this.#listenerPort = listenerPort;
  }

  /** One for each, in their order. @throws RefusedError when neither can be had */
  async lookUp(originators: readonly Endpoint[]): Promise<readonly LookUp[]> {
    this.#source ??= this.#open();
    const source = this.#source;
    if (source !== 'none') {
      const results = originators.map((originator) =>
        askNatlook(source.device, source.layout, { originator, listener: this.#listenerFor(originator) }),
      );
      if (!results.some(({ kind }) => kind === 'other system')) {
        for (const result of results) if (result.kind === 'refused') this.#tellOnce(result.errno);
        return results.map(lookUpOf);
      }
      this.close();
      this.#source = 'none';
    }
    const listing = await mustPfctl(this.#machine, ['-s', 'state']);
    return destinationsIn(parseStates(listing), originators, (originator) => this.#listenerFor(originator));
  }

  /** Idempotent; it may be asked again. */
  close(): void {
    if (this.#source !== undefined && this.#source !== 'none') this.#source.device.close();
    this.#source = undefined;
  }

  #tellOnce(errno: number): void {
    if (this.#toldErrnos.has(errno)) return;
    this.#toldErrnos.add(errno);
    this.#machine.warn(`pf does not tell where connections were going to (errno ${errno}): they are reset`);
  }

  #open(): Source {
    let device: PfDevice;
    try {
      device = this.#machine.openDevice();
    } catch {
      return 'none';
    }
    const layout = findNatlookLayout(device, this.#machine.platform);
    if (layout !== undefined) return { device, layout };
    device.close();
    return 'none';
  }

  #listenerFor({ family }: Endpoint): Endpoint {
    return { family, address: PF_LISTENERS[family], port: this.#listenerPort };
  }
}

function lookUpOf(result: NatlookResult): LookUp {
  switch (result.kind) {
    case 'found':
      return { kind: 'found', destination: result.destination };
    case 'unknown':
    case 'ambiguous':
      return { kind: result.kind };
    case 'invalid':
    case 'other system':
    case 'refused':
      return { kind: 'refused' };
  }
}
