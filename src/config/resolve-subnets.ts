import { lookup } from 'node:dns/promises';
import { messageOf, systemCodeOf, TshuttleError } from '../core/errors.ts';
import { type Problem, renderProblem } from '../core/problem.ts';
import { systemWords } from '../core/systems/system-words.ts';
import type { CaptureRule } from '../net/address/capture-rule.ts';
import type { Config } from './config.ts';
import { cidrOfAddress, type SubnetRule } from './parse/networks/subnet.ts';
import { effectsOf, type WrittenRule } from './subnet-effects.ts';

/** How long one name may take, in ms: longer than a resolver's first time-out and retry (resolv.conf(5): 5 s). */
const NAME_TIMEOUT_MS = 12_000;
/** getaddrinfo runs in the four threads of libuv's pool; more at once would only wait there. */
const LOOKUPS_AT_ONCE = 4;

/** Every address of a name. */
export type LookUp = (name: string) => Promise<readonly string[]>;

/** How many problems one message holds. */
const PROBLEMS_SHOWN = 5;

/** The rules of a tunnel, and what the user should hear about the subnets that made none. */
export interface ResolvedSubnets {
  readonly rules: readonly CaptureRule[];
  readonly warnings: readonly Problem[];
  /** The subnets without the networks of which nothing would be captured. */
  readonly effective: readonly SubnetRule[];
  /** What names stood for; those that do not resolve are not there. */
  readonly addressesOf: ReadonlyMap<string, readonly string[]>;
}

/** {@link LookUp} with the resolver of this machine, as the applications use it. */
export async function lookUpLocally(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/**
 * Turns names into addresses, once and by the resolver of this machine, and leaves out IPv6 when it is disabled, and what has no
 * effect.
 *
 * @param way how connections come: `proxied` ones may go where no redirect rule applies
 * @throws TshuttleError ERR_CONFIG when nothing is left to capture, or when a name that must not be captured does not
 * resolve: its addresses would be captured
 */
export async function resolveSubnets(
  { subnets, ipv6, dns }: Pick<Config, 'subnets' | 'ipv6'> & Partial<Pick<Config, 'dns'>>,
  lookUp: LookUp = lookUpLocally,
  way: 'redirected' | 'proxied' = 'redirected',
): Promise<ResolvedSubnets> {
  const warnings: Problem[] = [];
  const problems: Problem[] = [];
  let nameFailed = false;
  const answers = await lookUpAll(namesOf(subnets), lookUp);
  for (const { action, subnet, where } of subnets) {
    if (subnet.kind === 'network') {
      if (subnet.cidr.family === 6 && !ipv6)
        warnings.push({ where, what: 'is IPv6 and left out because of --disable-ipv6' });
      continue;
    }
    const named = namedBy(where, subnet.name) ? '' : `${subnet.name} `;
    const answer = answers.get(subnet.name)!;
    if (answer.kind === 'unresolved' && action === 'exclude') {
      const what = `${named}cannot be excluded: ${answer.reason}, so it would be captured`;
      problems.push({ where, what });
      continue;
    }
    if (answer.kind === 'unresolved') {
      nameFailed = true;
      warnings.push({ where, what: `${named}is not captured: ${answer.reason}` });
      continue;
    }
    const cidrs = answer.addresses
      .map((address) => cidrOfAddress(address))
      .filter((cidr) => cidr !== undefined);
    if (!cidrs.some(({ family }) => family === 4 || ipv6)) {
      const why = cidrs.length > 0 ? 'only IPv6 addresses, left out because of --disable-ipv6' : 'no address';
      if (cidrs.length === 0 && action === 'include') nameFailed = true;
      warnings.push({ where, what: `${named}has ${why}` });
    }
  }
  if (problems.length > 0) throw cannotExclude(problems);
  const addressesOf = new Map(
    [...answers].flatMap(([name, answer]) =>
      answer.kind === 'addresses' ? [[name, answer.addresses] as const] : [],
    ),
  );
  const asked = rulesOf({ subnets, ipv6 }, addressesOf);
  const effects = effectsOf(asked, { way, ipv6 });
  warnings.push(...effects.warnings);
  const rules = asked.filter((rule) => !effects.withoutEffect.has(rule));
  // A zone is something to capture, and a name may resolve on the bastion's side once there is a tunnel.
  const mayComeLater = (dns?.zones.length ?? 0) > 0 || (nameFailed && dns !== undefined);
  const wantsSomething = subnets.some(({ action }) => action === 'include');
  if (wantsSomething && !mayComeLater && !rules.some((rule) => rule.action === 'include'))
    throw nothingLeft(warnings, nameFailed, effects.withoutEffect.size > 0);
  const idle = new Set([...effects.withoutEffect].map(({ of }) => of));
  const effective = subnets.filter((one) => one.subnet.kind === 'name' || !idle.has(one));
  return { rules: rules.map(toCaptureRule), warnings, effective, addressesOf };
}

function toCaptureRule({ action, cidr, ports }: RuleOfSubnet): CaptureRule {
  return { action, cidr, ports };
}

/** A rule, and the subnet that it is made of. */
export interface RuleOfSubnet extends WrittenRule {
  readonly of: SubnetRule;
}

/** The rules for what names stand for now. Names that are not there make none. */
export function rulesOf(
  { subnets, ipv6 }: Pick<Config, 'subnets' | 'ipv6'>,
  addressesOf: ReadonlyMap<string, readonly string[]>,
): readonly RuleOfSubnet[] {
  return subnets.flatMap((of) => {
    const { action, subnet, where } = of;
    const { ports } = subnet;
    const cidrs =
      subnet.kind === 'network'
        ? [subnet.cidr]
        : (addressesOf.get(subnet.name) ?? []).flatMap(
            (address) => cidrOfAddress(address, subnet.prefixLength) ?? [],
          );
    return cidrs
      .filter(({ family }) => family === 4 || ipv6)
      .map((cidr) => ({ action, cidr, ports, where, of }));
  });
}

type Answer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'unresolved'; readonly reason: string };

/** The names among the subnets, each once. */
export function namesOf(subnets: readonly SubnetRule[]): string[] {
  const names = subnets.flatMap(({ subnet }) => (subnet.kind === 'name' ? [subnet.name] : []));
  return [...new Set(names)];
}

async function lookUpAll(names: readonly string[], lookUp: LookUp): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  const waiting = names.values();
  const work = async (): Promise<void> => {
    for (const name of waiting) answers.set(name, await lookUpOne(name, lookUp));
  };
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, work));
  return answers;
}

async function lookUpOne(name: string, lookUp: LookUp): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<Answer>((resolve) => {
    const reason = `no answer from the resolver within ${NAME_TIMEOUT_MS / 1000} s`;
    timer = setTimeout(() => resolve({ kind: 'unresolved', reason }), NAME_TIMEOUT_MS);
  });
  const answer = lookUp(name).then(
    (addresses): Answer => ({ kind: 'addresses', addresses }),
    (error: unknown): Answer => ({ kind: 'unresolved', reason: reasonOf(error) }),
  );
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** `does not resolve`, and why where that is not simply so. */
export function describeUnresolved(error: unknown): string {
  return systemCodeOf(error) === 'ENOTFOUND' ? 'does not resolve' : `does not resolve: ${reasonOf(error)}`;
}

function reasonOf(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'ENOTFOUND':
      return 'the name does not resolve';
    case 'EAI_AGAIN':
      return 'the resolver did not answer';
    default:
      return messageOf(error);
  }
}

/** Whether `where` is the argument itself, so that the name need not be said twice. */
function namedBy(where: string, name: string): boolean {
  const argument = where.replace(/^-x /, '');
  return argument === name || argument.startsWith(`${name}:`) || argument.startsWith(`${name}/`);
}

function nothingLeft(warnings: readonly Problem[], nameFailed: boolean, hasNoEffect: boolean): TshuttleError {
  let remedy = 'leave out --disable-ipv6, or add an IPv4 network';
  if (hasNoEffect) remedy = 'add a network that can be captured, as in 10.0.0.0/24';
  if (nameFailed) remedy = `check the names with: ${systemWords().lookUpName}`;
  return new TshuttleError('ERR_CONFIG', `nothing is left to capture; ${renderSome(warnings)}`, { remedy });
}

function cannotExclude(problems: readonly Problem[]): TshuttleError {
  return new TshuttleError('ERR_CONFIG', renderSome(problems), {
    remedy: `check the names with: ${systemWords().lookUpName}; or exclude addresses in their place`,
  });
}

function renderSome(problems: readonly Problem[]): string {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(renderProblem);
  if (problems.length > PROBLEMS_SHOWN) shown.push(`and ${problems.length - PROBLEMS_SHOWN} more`);
  return shown.join('; ');
}
