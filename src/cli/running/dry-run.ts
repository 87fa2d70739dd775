import { sshRequestOf } from '../../app/keep-up/ssh-request.ts';
import { type Config, capturesAnything } from '../../config/config.ts';
import { type LookUp, resolveSubnets } from '../../config/resolve-subnets.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { renderProblem } from '../../core/problem.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import { systemNameservers } from '../../dns/system/nameservers.ts';
import { planRedirects } from '../../intercept/rules/plan.ts';
import { methodsOn, REDIRECT_METHODS } from '../../intercept/rules/redirect-methods.ts';
import type { DnsRedirect } from '../../intercept/rules/redirect-plan.ts';
import { INSTANCE_PLACEHOLDER, planProblems, renderPlan } from '../../intercept/rules/render-plan.ts';
import { formatCidr } from '../../net/address/cidr.ts';
import { type Endpoint, formatHostPort, makeEndpoint } from '../../net/address/endpoint.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import { formatNamespace } from '../../net/machine/namespace/namespace-place.ts';
import { interfacesOf } from '../../net/machine/source-interfaces.ts';
import { resolveTarget } from '../../ssh/config/target.ts';

/** Stands for the port that is chosen at start. */
const EXAMPLE_PORT = 12_300;
/** Stands for the port of the DNS forwarder, which is chosen at start. */
const EXAMPLE_DNS_PORT = 12_353;

/** Dependencies of {@link dryRun}. */
export interface DryRunContext {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly lookUp: LookUp;
  readonly print: (text: string) => void;
}

/**
 * Prints the rules that a tunnel would install. Needs no root, connects to nobody, and changes nothing; names are
 * looked up, and the ssh configuration is read.
 *
 * @throws TshuttleError ERR_CONFIG when there is nothing to capture or the ssh configuration is wrong
 */
export async function dryRun(config: Config, context: DryRunContext): Promise<void> {
  if (!capturesAnything(config)) {
    context.print('# no rules: there are only proxies and forwards\n');
    return;
  }
  const [first] = methodsOn(process.platform);
  if (first === undefined && (config.method === 'auto' || process.platform === 'win32')) {
    const instead =
      process.platform === 'win32'
        ? 'WSL2 captures connections (tshuttle help windows)'
        : 'there are proxies';
    context.print(`# no rules: nothing redirects connections on ${systemWords().name}; ${instead}\n`);
    return;
  }
  const { rules, warnings } = await resolveSubnets(config, context.lookUp);
  for (const warning of warnings) context.logger.warn(renderProblem(warning));
  const families: readonly IpFamily[] = config.ipv6 ? [4, 6] : [4];
  // ssh is not where the rules are.
  const exempt = config.namespace === undefined ? await bastionEndpoints(config, context) : [];
  const listenerPort = config.listen.port ?? EXAMPLE_PORT;
  const alsoFrom =
    config.alsoFrom.length === 0
      ? undefined
      : { sources: config.alsoFrom, links: (await interfacesOf(config.alsoFrom)).links };
  const plan = planRedirects({
    rules,
    listenerPort,
    families,
    exempt,
    dns: dnsRedirect(config),
    udp: config.udp,
    only: config.programs?.matches ?? null,
    alsoFrom,
    tmark: config.tmark ?? null,
  });
  const method = config.method === 'auto' ? (first ?? REDIRECT_METHODS[0]).name : config.method;
  const notes = [`# ${method}${config.method === 'auto' ? ', the first choice of --method auto' : ''}`];
  if (config.namespace !== undefined) notes.push(`# in ${formatNamespace(config.namespace)}`);
  if (config.listen.port === undefined)
    notes.push(`# ${EXAMPLE_PORT} stands for the port that is chosen at start`);
  if (config.dns !== undefined)
    notes.push(`# ${EXAMPLE_DNS_PORT} and up stand for the ports of the DNS forwarder, chosen at start`);
  if (config.dns !== undefined && config.dns.zones.length > 0) {
    const range = formatCidr(config.dns.syntheticRanges.range4);
    notes.push(
      `# not shown: for names in zones, parts of ${range} are captured: one from the start, others as names come`,
    );
  }
  if (config.autoNets)
    notes.push(
      '# not shown: the networks of the bastion (-N), which is asked for them when the tunnel opens',
    );
  for (const problem of planProblems(method, plan)) context.logger.warn(renderProblem(problem));
  const text = renderPlan(method, { ...plan, userId: process.getuid?.() ?? 0 });
  if (text.includes(INSTANCE_PLACEHOLDER)) {
    notes.push(
      `# ${INSTANCE_PLACEHOLDER} stands for the process that will hold the rules; cleanup knows it by that`,
    );
  }
  context.print(`${notes.join('\n')}\n${text.trimEnd()}\n`);
}

function dnsRedirect({ dns }: Config): DnsRedirect | undefined {
  if (dns === undefined) return undefined;
  const nameservers =
    dns.nameservers === 'system' ? systemNameservers().map(({ address }) => address) : dns.nameservers;
  const redirects = nameservers.map((nameserver, index) => ({ nameserver, port: EXAMPLE_DNS_PORT + index }));
  return { redirects, exemptPorts: [] };
}

async function bastionEndpoints(config: Config, context: DryRunContext): Promise<Endpoint[]> {
  const target = await resolveTarget(sshRequestOf(config), context);
  try {
    const addresses = await context.lookUp(target.host);
    return addresses.flatMap((address) => makeEndpoint(address, target.port) ?? []);
  } catch (error) {
    const bastion = formatHostPort(target.host, target.port);
    context.logger.warn(
      `the bastion ${bastion} does not resolve, so the rules do not exempt it: ${messageOf(error)}`,
    );
    return [];
  }
}
