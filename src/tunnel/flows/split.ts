import { messageOf } from '../../core/errors.ts';
import { type CaptureRule, decidingRule } from '../../net/address/capture-rule.ts';
import { rangeOfAddress } from '../../net/address/cidr.ts';
import { type Endpoint, type HostPort, makeEndpoint } from '../../net/address/endpoint.ts';
import { neverCapturedAs } from '../../net/address/never-captured.ts';
import { canonicalName, type Zone, zoneOf } from '../../net/address/zone.ts';
import { type Flow, markOpen } from '../../net/flow.ts';
import { isOwnAddress } from '../../net/machine/local-addresses.ts';
import { dialDirectly, OUT_OF_DESCRIPTORS } from '../../net/sockets/dial-directly.ts';
import { relay } from '../../net/sockets/relay.ts';
import { type FlowSummary, notOpened, type Transport } from '../../ssh/transport.ts';

/** What decides, beside the rules, which flows go through the bastion where all of a program's come to us. */
export interface SplitOptions {
  /** Names that the bastion resolves. */
  readonly zones: readonly Zone[];
  /** Names that were asked to be captured: where this machine cannot resolve one, the bastion may. */
  readonly names: readonly string[];
  /** Names with an address of their own. */
  readonly hosts: ReadonlyArray<{ readonly name: string; readonly address: string }>;
  /** Whether a connection to this machine itself is refused. */
  readonly refusesOwnAddresses: boolean;
  /** With the resolver of this machine. */
  readonly lookUp: (name: string) => Promise<readonly string[]>;
}

/** Which way a flow goes. */
type Way =
  /** Through the bastion, to the first of these that can be opened. */
  | { readonly kind: 'bastion'; readonly hosts: readonly string[] }
  /** From this machine, as without tshuttle. */
  | { readonly kind: 'direct'; readonly addresses: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string };

/** Carries what is captured over the transport, and everything else from this machine itself. */
export class SplitCarrier implements Pick<Transport, 'carry'> {
  readonly #transport: Pick<Transport, 'carry'>;
  readonly #rules: () => readonly CaptureRule[];
  readonly #options: SplitOptions;

  /** @param rules what is captured, asked for each flow */
  constructor(
    transport: Pick<Transport, 'carry'>,
    rules: () => readonly CaptureRule[],
    options: SplitOptions,
  ) {
    this.#transport = transport;
    this.#rules = rules;
    this.#options = options;
  }

  async carry(flow: Flow): Promise<FlowSummary> {
    if (flow.isForwarded) return await this.#transport.carry(flow);
    const way = await this.#wayTo(flow.target);
    switch (way.kind) {
      case 'bastion':
        return await this.#throughBastion(way.hosts, flow);
      case 'direct':
        return await carryDirectly(way.addresses, flow);
      case 'refused':
        return refused(way.why);
    }
  }

  async #throughBastion(hosts: readonly string[], flow: Flow): Promise<FlowSummary> {
    const { port } = flow.target;
    let summary = refused('no address');
    for (const host of hosts) {
      flow.target = { host, port };
      summary = await this.#transport.carry(flow);
      if (summary.end.kind !== 'refused') break;
    }
    return summary;
  }

  async #wayTo({ host, port }: HostPort): Promise<Way> {
    const { zones, names, hosts, lookUp } = this.#options;
    if (makeEndpoint(host, port) !== undefined) return this.#wayToOneOf([host], port);
    const name = canonicalName(host);
    const known = hosts.filter((one) => one.name === name);
    if (known.length > 0)
      return this.#wayToOneOf(
        known.map(({ address }) => address),
        port,
      );
    if (zoneOf(name, zones) !== undefined) return { kind: 'bastion', hosts: [host] };
    try {
      return this.#wayToOneOf(await lookUp(host), port);
    } catch (error) {
      if (names.some((one) => one.toLowerCase() === name)) return { kind: 'bastion', hosts: [host] };
      return { kind: 'refused', why: `Name or service not known (${messageOf(error)})` };
    }
  }

  /** What the kernel's rules would do with the first address that an application tries. */
  #wayToOneOf(addresses: readonly string[], port: number): Way {
    const rules = this.#rules();
    const captured = addresses.filter((address) => {
      const endpoint = makeEndpoint(address, port);
      return (
        endpoint !== undefined &&
        decidingRule(rules, endpoint, port)?.action === 'include' &&
        !isLeftAlone(endpoint)
      );
    });
    if (captured.length > 0) return { kind: 'bastion', hosts: captured };
    if (this.#options.refusesOwnAddresses && addresses.some(isOwnAddress))
      return { kind: 'refused', why: 'it is this machine itself, which is not reachable with --isolated' };
    return { kind: 'direct', addresses };
  }
}

/** What the kernel's rules take on no machine, also with 0/0: behind the bastion it is something else, or this machine by a detour. */
function isLeftAlone({ family, address }: Endpoint): boolean {
  return isOwnAddress(address) || neverCapturedAs(rangeOfAddress(family, address)) !== undefined;
}

async function carryDirectly(addresses: readonly string[], flow: Flow): Promise<FlowSummary> {
  const outgoing = await dialDirectly(addresses, flow.target.port);
  if (outgoing === OUT_OF_DESCRIPTORS)
    return notOpened({ kind: 'aborted', detail: outgoing, lacks: 'descriptors' });
  if (typeof outgoing === 'string') return refused(outgoing);
  markOpen(flow);
  flow.onOpen?.();
  const end = await relay(flow.accepted, outgoing, flow);
  const { bytesUp, bytesDown } = flow;
  if (end.kind === 'eof') return { end, bytesUp, bytesDown };
  const by = end.by === 'accepted' ? 'application' : 'destination';
  return { end: { kind: 'reset', by, detail: end.detail }, bytesUp, bytesDown };
}

function refused(description: string): FlowSummary {
  return notOpened({ kind: 'refused', reason: 'connect-failed', description });
}
