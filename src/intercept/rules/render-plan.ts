import type { Problem } from '../../core/problem.ts';
import { renderIptables } from './iptables/iptables.ts';
import { renderIptablesRefusal } from './iptables/iptables-udp.ts';
import { renderNft } from './nft/nft.ts';
import { PF_DEFAULTS, renderPf } from './pf/pf.ts';
import { EPHEMERAL_FROM, pfAnchor } from './pf/pf-anchor.ts';
import { pfProblems } from './pf/pf-problems.ts';
import { type InterceptMethod, methodRow } from './redirect-methods.ts';
import type { OwnedPlan, RedirectPlan } from './redirect-plan.ts';
import { FREE_MARKS, markOfBits, renderMarkedRoute } from './tproxy/packet-mark.ts';

/** Stands where the running helper names itself. */
export const INSTANCE_PLACEHOLDER = 'PID-STARTED-NAMESPACE';

/** What each method would install, as whoever knows its tools reads it; `instance` stands where the helper names itself. */
const RENDERERS: Readonly<Record<InterceptMethod, (plan: OwnedPlan, instance: string) => string>> = {
  nft: (plan, instance) => renderNft(plan, { instance, lifetime: 'owner' }),
  iptables: (plan, instance) =>
    plan.families
      .map((family) => {
        const tool = family === 4 ? 'iptables-restore' : 'ip6tables-restore';
        const options = { family, instance, jumpAt: 1 } as const;
        const refusal = plan.udp === 'reject' ? renderIptablesRefusal(plan, options) : '';
        return `# ${tool} --noflush\n${renderIptables(plan, options)}${refusal}`;
      })
      .join(''),
  // The first mark that is free; the helper makes the two without a program.
  tproxy: (plan, instance) => {
    const diversion = plan.tmark === null ? FREE_MARKS[0]! : markOfBits(plan.tmark);
    const routes = plan.families.map((family) => renderMarkedRoute(diversion, family));
    return routes.join('') + renderNft({ ...plan, diversion }, { instance, lifetime: 'owner' });
  },
  // Of macOS, unless this is another system that has it: there the anchor has another path.
  pf: (plan) => {
    const platform = process.platform === 'freebsd' ? 'freebsd' : 'darwin';
    const options = { ...PF_DEFAULTS, ephemeralFrom: EPHEMERAL_FROM[platform] };
    return `# pfctl -a ${pfAnchor(plan, platform)} -f -\n${renderPf(plan, options)}`;
  },
};

/** Renders what would be installed, for `--dry-run`. */
export function renderPlan(method: InterceptMethod, plan: OwnedPlan): string {
  return RENDERERS[method](plan, INSTANCE_PLACEHOLDER);
}

const PROBLEMS: Partial<Readonly<Record<InterceptMethod, (plan: RedirectPlan) => readonly Problem[]>>> = {
  pf: pfProblems,
};

/** What a plan asks for that a method cannot do, each with its remedy; the rest of the plan holds without it. */
export function planProblems(method: InterceptMethod, plan: RedirectPlan): readonly Problem[] {
  return [...(PROBLEMS[method]?.(plan) ?? []), ...markProblems(method, plan)];
}

function markProblems(method: InterceptMethod, { tmark }: RedirectPlan): readonly Problem[] {
  if (tmark === null || methodRow(method).destinationsFrom === 'own address') return [];
  return [
    { where: '--tmark', what: `does nothing with --method ${method}, which marks no packets; leave it out` },
  ];
}
