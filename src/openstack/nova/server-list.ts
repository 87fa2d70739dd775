import { isIP } from 'node:net';
import * as v from 'valibot';
import { compareText } from '../../core/compare-text.ts';

/** An address of a server. */
interface ServerAddress {
  readonly address: string;
  /** `floating` is one that the network outside knows. */
  readonly kind: 'fixed' | 'floating';
}

/** A server of a project, as Nova has it. Names are its users' and may be any text. */
export interface Server {
  readonly id: string;
  readonly name: string;
  /** By the names of its networks, in Nova's order. */
  readonly networks: ReadonlyMap<string, readonly ServerAddress[]>;
}

/** One answer of /servers/detail. */
export interface ServerPage {
  readonly servers: readonly Server[];
  /** Whether Nova has more; it says so, too, where a full page was the last. */
  readonly hasMore: boolean;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const address = v.object({
  // Without a zone, which would mean something here and not there.
  addr: v.pipe(
    v.string(),
    v.check((text) => isIP(text) !== 0 && !text.includes('%')),
  ),
  'OS-EXT-IPS:type': v.optional(v.picklist(['fixed', 'floating']), 'fixed'),
});

const page = v.object({
  servers: v.array(
    v.object({
      id: v.pipe(v.string(), v.toLowerCase(), v.regex(UUID)),
      name: v.nullish(v.string(), ''),
      addresses: v.optional(v.record(v.string(), v.array(address)), {}),
    }),
  ),
  servers_links: v.optional(v.array(v.object({ rel: v.string() })), []),
});

/** Reads an answer of /servers/detail (Compute API 2.1); undefined for what is none. */
export function readServerPage(data: unknown): ServerPage | undefined {
  const parsed = v.safeParse(page, data);
  if (!parsed.success) return undefined;
  return {
    servers: parsed.output.servers.map(({ id, name, addresses }) => ({
      id,
      name,
      networks: new Map(
        Object.entries(addresses).map(([network, list]) => [
          network,
          list.map((one): ServerAddress => ({ address: one.addr, kind: one['OS-EXT-IPS:type'] })),
        ]),
      ),
    })),
    hasMore: parsed.output.servers_links.some(({ rel }) => rel === 'next'),
  };
}

/** What is wanted of the networks of a server. */
export interface AddressChoice {
  /** This one and no other; undefined: {@link addressOf} chooses. */
  readonly network: string | undefined;
  /** Networks that go before others: those of the gate. */
  readonly preferred: ReadonlySet<string>;
}

/**
 * The address by which a gate reaches a server: of the network that is wanted; else of the gate's own networks, else of the first by
 * name. A fixed one goes before a floating one, which belongs to the outside, and IPv4 before IPv6.
 *
 * @returns undefined where it has none there
 */
export function addressOf({ networks }: Server, { network, preferred }: AddressChoice): string | undefined {
  const byName = [...networks].sort(([a], [b]) => compareText(a, b));
  const wanted =
    network === undefined
      ? [
          ...byName.filter(([name]) => preferred.has(name)),
          ...byName.filter(([name]) => !preferred.has(name)),
        ]
      : byName.filter(([name]) => name === network);
  const fixed = wanted.map(([, list]) => list.filter(({ kind }) => kind === 'fixed'));
  const first = fixed.find((list) => list.length > 0) ?? wanted.map(([, list]) => list).find(hasSome) ?? [];
  const found = first.find(({ address: text }) => !text.includes(':')) ?? first[0];
  return found?.address;
}

/** The networks of the server that has this address; none where no server has it. */
export function networksWith(host: string, servers: readonly Server[]): ReadonlySet<string> {
  const has = (list: readonly ServerAddress[]): boolean => list.some(({ address: text }) => text === host);
  const gate = servers.find(({ networks }) => [...networks.values()].some(has));
  return new Set(gate?.networks.keys());
}

function hasSome(list: readonly ServerAddress[]): boolean {
  return list.length > 0;
}
