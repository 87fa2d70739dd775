import { TshuttleError } from '../../core/errors.ts';
import type { IpFamily } from '../../net/address/literal.ts';
import type { InterceptMethod } from './redirect-plan.ts';

/** What the user may ask for with `--method`. */
export type WantedMethod = 'auto' | InterceptMethod;

/** Every {@link WantedMethod}. */
export const WANTED_METHODS = ['auto', 'nft', 'iptables'] as const satisfies readonly WantedMethod[];

/** The ways to install rules, the best first. */
export const CANDIDATES = [
  'libnftables',
  'nft-interactive',
  'nft-file',
  'iptables',
  'iptables-nft',
  'iptables-legacy',
] as const;

/**
 * One way to install rules.
 *
 * - `libnftables`: in the helper; the kernel removes the table when the helper ends, however it ends
 * - `nft-interactive`: a child `nft -i` holds the table in the same way
 * - `nft-file`: one `nft -f -` per change; the helper removes the table
 * - `iptables`, `iptables-nft`, `iptables-legacy`: the restore tool of that name; the helper removes the chains
 */
export type Candidate = (typeof CANDIDATES)[number];

/** Those whose rules the kernel removes when the helper ends, however it ends. */
const ENDING_WITH_HELPER = ['libnftables', 'nft-interactive'] as const satisfies readonly Candidate[];

/** Whether the kernel removes the rules of a candidate when the helper ends. */
export function endsWithHelper(candidate: Candidate): boolean {
  return ENDING_WITH_HELPER.some((one) => one === candidate);
}

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

function methodOf(candidate: Candidate): InterceptMethod {
  return candidate === 'libnftables' || candidate === 'nft-interactive' || candidate === 'nft-file'
    ? 'nft'
    : 'iptables';
}

/**
 * The candidates for what somebody wants, the best first. Whoever is root has what they want; for others, what goes with the helper
 * comes first all the same: nobody else could remove what they leave.
 */
export function candidatesFor(wanted: WantedMethod, isRoot: boolean): readonly Candidate[] {
  return CANDIDATES.filter(
    (candidate) =>
      wanted === 'auto' || methodOf(candidate) === wanted || (!isRoot && endsWithHelper(candidate)),
  );
}

/**
 * Chooses the best usable candidate of those that the helper has looked at, which are in that order.
 *
 * @throws TshuttleError ERR_NO_INTERCEPTOR when none is usable: with every refusal, unless nothing is installed
 */
export function selectCandidate(wanted: WantedMethod, facts: readonly ProbeFact[]): Selection {
  const refused: RefusedFact[] = [];
  const permitted = candidatesFor(wanted, false);
  for (const fact of facts.filter(({ candidate }) => permitted.includes(candidate))) {
    if (fact.kind === 'usable') {
      const { candidate, version, families } = fact;
      return { candidate, method: methodOf(candidate), version, families };
    }
    refused.push(fact);
  }
  throw new TshuttleError('ERR_NO_INTERCEPTOR', describeRefusals(wanted, refused), {
    remedy: remedyFor(wanted, facts),
  });
}

type RefusedFact = Exclude<ProbeFact, { kind: 'usable' }>;

function describeRefusals(wanted: WantedMethod, facts: readonly RefusedFact[]): string {
  if (facts.every(({ kind }) => kind === 'absent')) {
    return wanted === 'auto' ? 'neither nft nor iptables is installed' : `${wanted} is not installed`;
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

function remedyFor(wanted: WantedMethod, facts: readonly ProbeFact[]): string {
  const refused = facts.filter((fact) => fact.kind === 'refused');
  if (refused.some((fact) => /operation not permitted|permission denied/i.test(fact.reason))) {
    return 'run it where changing firewall rules is permitted: as root, with CAP_NET_ADMIN in a container';
  }
  if (refused.length === 0) {
    const name = wanted === 'iptables' ? 'iptables' : 'nftables';
    return `install ${name}: apt install ${name} (or dnf, apk, pacman, zypper)`;
  }
  return wanted === 'auto'
    ? 'the kernel lacks NAT support: load nf_tables and nft_redir, or iptable_nat'
    : 'try --method auto, or load the kernel modules named above';
}
