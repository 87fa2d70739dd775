import { makeEndpoint } from '../../net/address/endpoint.ts';
import { parseHostPort } from '../../net/address/host-port.ts';
import {
  type ConnectionOwner,
  ConnectionOwners,
} from '../../net/machine/connection-owners/connection-owners.ts';
import type { OwnConnection } from '../../net/machine/connection-owners/socket-table.ts';
import type { FlowInfo } from '../../tunnel/status/status.ts';

/** A look is not taken sooner after the one before, in ms. */
const INTERVAL_MS = 2_000;

/** Flows of one look: each costs some 20 µs. */
const MAX_FLOWS = 1_024;

/** Rounds of a look that goes through all processes, of which a machine rarely has more than 4,096. */
export const ALL_PROCESSES = 8;

/** What tells a flow from all others of now. */
type FlowKey = Pick<FlowInfo, 'originator' | 'called' | 'destination'>;

/** Remembers which program has opened a flow, of those that were asked for last; to be closed. */
export class FlowPrograms {
  readonly #owners: Pick<ConnectionOwners, 'look' | 'close'>;
  readonly #nowMs: () => number;
  #known: ReadonlyMap<string, ConnectionOwner> = new Map();
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  constructor(
    owners: Pick<ConnectionOwners, 'look' | 'close'>,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#owners = owners;
    this.#nowMs = nowMs;
  }

  /**
   * @param daemons pids of the processes that carry the flows
   * @returns undefined where the system does not tell cheaply: elsewhere than on Linux lsof(8) would have to be started for each look
   */
  static open(daemons: readonly number[]): FlowPrograms | undefined {
    return process.platform === 'linux' ? new FlowPrograms(new ConnectionOwners(daemons)) : undefined;
  }

  /** Undefined while nobody has looked. */
  ownerOf(flow: FlowKey): ConnectionOwner | undefined {
    return this.#known.get(keyOf(flow));
  }

  /**
   * Looks for the programs of these flows, the first of many, unless it did less than two seconds ago, or still does. Never rejects.
   *
   * @param rounds how often, where there are more processes than one look goes through
   * @returns whether something is known anew
   */
  async look(flows: readonly FlowKey[], rounds = 1): Promise<boolean> {
    if (this.#isLooking || this.#nowMs() - this.#lookedAtMs < INTERVAL_MS) return false;
    this.#isLooking = true;
    const asked = [...new Map(flows.slice(0, MAX_FLOWS).map((flow) => [keyOf(flow), flow]))].flatMap(
      ([key, flow]) => {
        const connection = connectionOf(flow);
        return connection === undefined ? [] : { key, connection };
      },
    );
    try {
      for (let round = 0; round < rounds; round += 1) {
        const found = await this.#owners.look(asked.map(({ connection }) => connection));
        this.#known = new Map(asked.map(({ key }, index) => [key, found[index]!]));
        if (!found.some(({ kind }) => kind === 'unknown')) break;
      }
    } finally {
      this.#lookedAtMs = this.#nowMs();
      this.#isLooking = false;
    }
    return true;
  }

  /** Idempotent. */
  close(): void {
    this.#owners.close();
  }
}

function keyOf({ originator, called, destination }: FlowKey): string {
  return `${originator} ${called ?? destination}`;
}

/** Undefined of what came by a unix socket. */
function connectionOf({ originator, called }: FlowKey): OwnConnection | undefined {
  const local = endpointOf(originator);
  return local && { local, remote: called == null ? undefined : endpointOf(called) };
}

function endpointOf(text: string): OwnConnection['remote'] {
  const parsed = parseHostPort(text);
  return parsed && makeEndpoint(parsed.host, parsed.port);
}
