import { renderIptables } from './iptables.ts';
import { renderNft } from './nft.ts';
import type { InterceptMethod, OwnedPlan } from './redirect-plan.ts';

/** Stands where the running helper names itself. */
export const INSTANCE_PLACEHOLDER = 'PID-STARTED-NAMESPACE';

/** Renders what would be installed, for `--dry-run`: the text for nft(8), or one per family for iptables-restore(8). */
export function renderPlan(method: InterceptMethod, plan: OwnedPlan): string {
  const instance = INSTANCE_PLACEHOLDER;
  if (method === 'nft') return renderNft(plan, { instance, lifetime: 'owner' });
  return plan.families
    .map((family) => {
      const tool = family === 4 ? 'iptables-restore' : 'ip6tables-restore';
      return `# ${tool} --noflush\n${renderIptables(plan, { family, instance, jump: 'absent' })}`;
    })
    .join('');
}
