import { isIP } from 'node:net';
import { sshRequestOf } from '../../../app/keep-up/ssh-request.ts';
import type { Config } from '../../../config/config.ts';
import { describeUnresolved, type LookUp, resolveSubnets, rulesOf } from '../../../config/resolve-subnets.ts';
import type { Logger } from '../../../core/log.ts';
import { renderProblem } from '../../../core/problem.ts';
import { systemNameservers } from '../../../dns/system/nameservers.ts';
import type { Cidr } from '../../../net/address/cidr.ts';
import { type Endpoint, makeEndpoint } from '../../../net/address/endpoint.ts';
import { canonicalAddress, familyOf } from '../../../net/address/literal.ts';
import { parseCidr } from '../../../net/address/parse-cidr.ts';
import { isOwnAddress } from '../../../net/machine/local-addresses.ts';
import { formatNamespace } from '../../../net/machine/namespace/namespace-place.ts';
import { hasRoute } from '../../../net/machine/route-check.ts';
import { interfacesOf } from '../../../net/machine/source-interfaces.ts';
import { resolveTarget } from '../../../ssh/config/target.ts';
import { hostNamesOnRoute } from '../../../ssh/host-names-on-route.ts';
import type { SshTarget } from '../../../ssh/ssh-target.ts';
import { type Destination, explainAddress, explainMaps, explainName, type Facts } from './explanation.ts';
import { explainOthers } from './others.ts';

/** A destination: a name or an address, on one port or on all. */
export interface ExplainedDestination {
  readonly host: string;
  readonly port: number | undefined;
}

/** Dependencies of {@link explain}. */
export interface ExplainContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly lookUp: LookUp;
  readonly print: (text: string) => void;
}

/**
 * Prints what a tunnel with this configuration would do with a connection, and which of the options decides. Connects to
 * nobody and changes nothing; names are looked up, and the ssh configuration is read.
 *
 * @returns the destination by its name and its addresses, as far as they are known
 * @throws TshuttleError ERR_CONFIG when there is nothing to capture or the ssh configuration is wrong
 */
export async function explain(
  destination: ExplainedDestination,
  config: Config,
  context: ExplainContext,
): Promise<readonly string[]> {
  const { logger, lookUp, print } = context;
  const { addressesOf, warnings } = await resolveSubnets(config, lookUp);
  for (const warning of warnings) logger.warn(renderProblem(warning));
  const target = await resolveTarget(sshRequestOf(config), context);
  const facts: Facts = {
    rules: rulesOf(config, addressesOf),
    exempt: await dialledFirst(target, context),
    isOwnAddress,
    nameservers: capturedNameservers(config),
    syntheticRanges: syntheticRanges(config),
  };
  const { port } = destination;
  const family = isIP(destination.host);
  let addresses: readonly string[] = [destination.host];
  if (family === 0) {
    const name = explainName(destination.host, config.dns, hostNamesOnRoute(target));
    print(`${name.line}\n`);
    if (name.by === 'name') return [destination.host];
    addresses = name.addresses ?? (await addressesOrWhy(destination.host, lookUp, print));
  }
  for (const address of addresses) {
    const literal = toDestination(address, port);
    if (literal === undefined) continue;
    for (const line of explainAddress(literal, facts)) print(`${line}\n`);
    for (const line of explainMaps(literal.address, config.maps)) print(`${line}\n`);
    const cidr = parseCidr(literal.address);
    if (cidr !== undefined && config.namespace === undefined && !(await hasRoute(cidr))) {
      print(
        `${literal.address}: has no route here, so the kernel refuses connections before they can be captured\n`,
      );
    }
  }
  if (config.autoNets)
    print(
      'with -N the networks of the bastion are captured, too: tshuttle status has them once the tunnel is up\n',
    );
  if (config.programs !== undefined)
    print(
      `captured are connections of ${config.programs.description} alone; those of other programs go direct\n`,
    );
  if (config.namespace !== undefined)
    print(
      `captured is what runs in ${formatNamespace(config.namespace)} alone, by its routes, not those here\n`,
    );
  for (const line of explainOthers(config.alsoFrom, await interfacesOf(config.alsoFrom))) print(`${line}\n`);
  return [...new Set([destination.host, ...addresses])];
}

function toDestination(address: string, port: number | undefined): Destination | undefined {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return undefined;
  return { family: familyOf(canonical), address: canonical, port };
}

async function addressesOrWhy(
  name: string,
  lookUp: LookUp,
  print: (text: string) => void,
): Promise<readonly string[]> {
  try {
    return await lookUp(name);
  } catch (error) {
    print(`${name}: ${describeUnresolved(error)}\n`);
    return [];
  }
}

function capturedNameservers({ dns }: Config): readonly string[] {
  if (dns === undefined) return [];
  return dns.nameservers === 'system' ? systemNameservers().map(({ address }) => address) : dns.nameservers;
}

function syntheticRanges({ dns }: Config): readonly Cidr[] {
  return dns === undefined || dns.zones.length === 0
    ? []
    : [dns.syntheticRanges.range4, dns.syntheticRanges.range6];
}

/** What is dialled first on the way to a bastion is exempt; what a ProxyCommand connects to is found when it runs. */
async function dialledFirst(target: SshTarget, { lookUp, logger }: ExplainContext): Promise<Endpoint[]> {
  let first = target;
  while (first.proxy.kind === 'jump') first = first.proxy.jumpHost;
  if (first.proxy.kind === 'command') return [];
  const { host, port } = first.proxy.kind === 'socks5' ? first.proxy.proxy : first;
  try {
    const addresses = isIP(host) === 0 ? await lookUp(host) : [host];
    return addresses.flatMap((address) => makeEndpoint(address, port) ?? []);
  } catch (error) {
    logger.warn(`${host}, on the way to the bastion, ${describeUnresolved(error)}`);
    return [];
  }
}
