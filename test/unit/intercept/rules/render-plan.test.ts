import { describe, expect, it } from 'vitest';
import { renderIptables } from '../../../../src/intercept/rules/iptables/iptables.ts';
import { renderNft } from '../../../../src/intercept/rules/nft/nft.ts';
import { renderPlan } from '../../../../src/intercept/rules/render-plan.ts';
import { OWNED_SAMPLE_PLANS } from './sample-plans.ts';

const plan = OWNED_SAMPLE_PLANS['both-families']!;
const instance = 'PID-STARTED-NAMESPACE';

describe('renderPlan', () => {
  it('shows the nft text that the helper installs', () => {
    expect(renderPlan('nft', plan)).toBe(renderNft(plan, { instance, lifetime: 'owner' }));
  });

  it('shows one iptables text per family', () => {
    const text = renderPlan('iptables', plan);
    expect(text).toContain(
      `# iptables-restore --noflush\n${renderIptables(plan, { family: 4, instance, jumpAt: 1 })}`,
    );
    expect(text).toContain(
      `# ip6tables-restore --noflush\n${renderIptables(plan, { family: 6, instance, jumpAt: 1 })}`,
    );
  });
});
