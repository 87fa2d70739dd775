import { describe, expect, it } from 'vitest';
import {
  RefusedError,
  type RuleBackend,
} from '../../../../src/intercept/root/drivers/backend/rule-backend.ts';
import { UdpPolicyApplier } from '../../../../src/intercept/root/udp/apply-udp-policy.ts';
import { parseNetstatUdp, parseProcNetUdp } from '../../../../src/intercept/root/udp/udp-ports-in-use.ts';
import type { OwnedPlan } from '../../../../src/intercept/rules/redirect-plan.ts';
import { SAMPLE_PLANS } from '../rules/sample-plans.ts';

describe('the ports of UDP sockets that are there', () => {
  it('by /proc/net/udp and udp6', () => {
    const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  281: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 19061 2 0000000000000000 0
 3289: 00000000:C3CB 08080808:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 20117 2 0000000000000000 0
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 3289: 00000000000000000000000000000000:C3CB 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
`;
    expect(parseProcNetUdp(text)).toEqual([53, 50_123]);
  });

  it('by netstat of macOS and FreeBSD', () => {
    const text = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
udp4       0      0  192.168.1.5.52341      203.0.113.1.443
udp6       0      0  *.5353                 *.*
udp6       0      0  fe80::1%lo0.123        *.*
udp46      0      0  *.51820                *.*
udp4       0      0  *.*                    *.*
`;
    expect(parseNetstatUdp(text)).toEqual([123, 5_353, 51_820, 52_341]);
  });
});

describe('UdpPolicyApplier', () => {
  const plan: OwnedPlan = { ...SAMPLE_PLANS['both-families']!, userId: 0 };

  function applier(refuses: (plan: OwnedPlan) => boolean) {
    const applied: OwnedPlan[] = [];
    let reads = 0;
    const backend = {
      apply: async (one: OwnedPlan) => {
        if (refuses(one)) throw new RefusedError('No such file or directory');
        applied.push(one);
      },
    } as RuleBackend;
    const policy = new UdpPolicyApplier({
      portsInUse: async () => {
        reads += 1;
        return [50_000 + reads];
      },
    });
    return { apply: (one: OwnedPlan) => policy.apply(backend, one), applied, policy };
  }

  it('spares the sockets that were there before the first rules, and no later ones', async () => {
    const { apply, applied } = applier(() => false);
    await apply({ ...plan, udp: 'direct' });
    await apply(plan);
    await apply(plan);
    expect(applied.map(({ udp, udpInUse }) => [udp, udpInUse])).toEqual([
      ['direct', undefined],
      ['reject', [50_001]],
      ['reject', [50_001]],
    ]);
  });

  it('captures all the same where the system cannot refuse, and says why', async () => {
    const { apply, applied, policy } = applier(({ udp }) => udp === 'reject');
    await apply(plan);
    await apply(plan);
    expect(applied.map(({ udp }) => udp)).toEqual(['direct', 'direct']);
    expect(policy.whyUdpLeaves).toBe('No such file or directory');
  });

  it('does not take what is refused for another reason for that', async () => {
    let isBusy = true;
    const { apply, applied, policy } = applier(() => isBusy);
    await expect(apply(plan)).rejects.toThrow('No such file');
    isBusy = false;
    await apply(plan);
    expect([applied.map(({ udp }) => udp), policy.whyUdpLeaves]).toEqual([['reject'], undefined]);
  });
});
