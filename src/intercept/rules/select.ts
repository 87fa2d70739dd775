import { TshuttleError } from '../../core/errors.ts';
import { systemWords } from '../../core/systems/system-words.ts';
import type { SystemWords } from '../../core/systems/words.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import {
  type Candidate,
  endsWithHelper,
  type InterceptMethod,
  methodOf,
  methodsOn,
  type WantedMethod,
} from './redirect-methods.ts';

/** What the helper found out about one candidate. */
export type ProbeFact =
  | {
      readonly kind: 'usable';
      readonly candidate: Candidate;
      readonly version: string;
      /** The families it can redirect. */
      readonly families: readonly IpFamily[];
    }
  | { readonly kind: 'absent'; readonly candidate: Candidate; readonly missing: string }
  | { readonly kind: 'refused'; readonly candidate: Candidate; readonly reason: string };

/** What was chosen. */
export interface Selection {
  readonly candidate: Candidate;
  readonly method: InterceptMethod;
  readonly version: string;
  readonly families: readonly IpFamily[];
}

/**
 * The candidates for what somebody wants on a system, the best first. Whoever is root has what they want; for others, what goes
 * with the helper comes first all the same: nobody else could remove what they leave.
 */
export function candidatesFor(
  wanted: WantedMethod,
  isRoot: boolean,
  platform: NodeJS.Platform = process.platform,
): readonly Candidate[] {
  const all = methodsOn(platform).flatMap(({ candidates }): readonly Candidate[] =>
    candidates.map(({ name }) => name),
  );
  const chosen = all.filter((candidate) => wanted === 'auto' || methodOf(candidate) === wanted);
  // What goes with the helper is everybody's to choose.
  if (isRoot || chosen.some(endsWithHelper)) return chosen;
  const best = all.find(endsWithHelper);
  return all.filter((candidate) => candidate === best || chosen.includes(candidate));
}

/**
 * Chooses the best usable candidate of those that the helper has looked at, which are in that order.
 *
 * @throws TshuttleError ERR_NO_INTERCEPTOR when none is usable: with every refusal, unless nothing is installed
 */
export function selectCandidate(
  wanted: WantedMethod,
  facts: readonly ProbeFact[],
  platform: NodeJS.Platform = process.platform,
): Selection {
  const refused: RefusedFact[] = [];
  const permitted = candidatesFor(wanted, false, platform);
  for (const fact of facts.filter(({ candidate }) => permitted.includes(candidate))) {
    if (fact.kind === 'usable') {
      const { candidate, version, families } = fact;
      return { candidate, method: methodOf(candidate), version, families };
    }
    refused.push(fact);
  }
  const methods = methodsOn(platform).filter(({ name }) => wanted === 'auto' || wanted === name);
  if (methods.length === 0) throw notOn(platform, wanted);
  throw new TshuttleError('ERR_NO_INTERCEPTOR', describeRefusals(wanted, refused, methods), {
    remedy: remedyFor(wanted, facts, methods, systemWords(platform)),
  });
}

type RefusedFact = Exclude<ProbeFact, { kind: 'usable' }>;
type Methods = ReturnType<typeof methodsOn>;

function notOn(platform: NodeJS.Platform, wanted: WantedMethod): TshuttleError {
  const others = methodsOn(platform).map(({ name }) => name);
  const what = wanted === 'auto' ? 'nothing redirects connections' : `there is no ${wanted}`;
  return new TshuttleError('ERR_NO_INTERCEPTOR', `${what} on ${systemWords(platform).name}`, {
    remedy: others.length === 0 ? 'use --socks, which needs no rules' : `use --method auto, or ${others[0]}`,
  });
}

function describeRefusals(wanted: WantedMethod, facts: readonly RefusedFact[], methods: Methods): string {
  if (facts.every(({ kind }) => kind === 'absent')) {
    // Of two that the same package brings one says it.
    const names = methods
      .filter(
        (one, index) => methods.findIndex(({ packageName }) => packageName === one.packageName) === index,
      )
      .map(({ name }) => name);
    return names.length === 1
      ? `${names[0]} is not installed`
      : `neither ${names.join(' nor ')} is installed`;
  }
  const method = wanted === 'auto' ? '' : ` for --method ${wanted}`;
  return `no way to redirect connections${method}: ${facts.map(describeRefusal).join('; ')}`;
}

/** One sentence for a candidate that is not usable. */
export function describeRefusal(fact: RefusedFact): string {
  switch (fact.kind) {
    case 'absent':
      return `${fact.candidate}: ${fact.missing} is not installed`;
    case 'refused':
      return `${fact.candidate}: ${fact.reason}`;
  }
}

function remedyFor(
  wanted: WantedMethod,
  facts: readonly ProbeFact[],
  methods: Methods,
  system: SystemWords,
): string {
  const refused = facts.filter((fact) => fact.kind === 'refused');
  if (refused.some((fact) => /operation not permitted|permission denied/i.test(fact.reason))) {
    return `run it where changing firewall rules is permitted: ${system.wherePermitted}`;
  }
  const name = methods.find(({ packageName }) => packageName !== undefined)?.packageName;
  if (refused.length === 0 && name !== undefined) {
    return `install ${name}: ${system.install(name)}`;
  }
  if (wanted !== 'auto') return 'try --method auto, or load the kernel modules named above';
  const modules = methods.flatMap(({ kernelModules }) => kernelModules ?? []);
  return modules.length === 0
    ? 'use --socks, which needs no rules'
    : system.loadModules(modules.join(', or '));
}
