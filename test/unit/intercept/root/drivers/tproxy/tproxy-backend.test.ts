import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../../../../../src/intercept/root/drivers/backend/rule-backend.ts';
import {
  markedRoute,
  type TableHolder,
  TproxyBackend,
} from '../../../../../../src/intercept/root/drivers/tproxy/tproxy-backend.ts';
import type { OwnedPlan } from '../../../../../../src/intercept/rules/redirect-plan.ts';
import {
  FREE_MARKS,
  formatBits,
  type PacketMark,
} from '../../../../../../src/intercept/rules/tproxy/packet-mark.ts';
import type { MarkedRoute, MarkedRoutes } from '../../../../../../src/net/native/netlink/marked-routes.ts';
import { OWNED_SAMPLE_PLANS } from '../../../rules/sample-plans.ts';

const plan: OwnedPlan = { ...OWNED_SAMPLE_PLANS['both-families']!, families: [4, 6] };

/** A kernel with routes, and what was done to it in order. */
function openBackend() {
  const done: string[] = [];
  const inKernel: MarkedRoute[] = [];
  /** Claimed by somebody else just after we looked. */
  const takenMeanwhile: MarkedRoute[] = [];
  /** For which the kernel has no routing rules. */
  const unknown = new Set<number>();
  let refusal: string | undefined;
  const refuseIfTold = async (): Promise<void> => {
    if (refusal !== undefined) throw new RefusedError(refusal);
  };
  const nameOf = ({ mark }: PacketMark): string => formatBits(mark);
  const isSame = (a: MarkedRoute) => (b: MarkedRoute) => a.family === b.family && a.mark === b.mark;
  const table: TableHolder = {
    exposure: { kind: 'owned' },
    announce: ({ diversion }) => void done.push(`announce ${nameOf(diversion!)}`),
    apply: async ({ diversion }) => {
      await refuseIfTold();
      done.push(`apply ${nameOf(diversion!)}`);
    },
    missing: () => Promise.reject(new Error('nobody can remove it')),
    putBack: () => Promise.reject(new Error('nobody can remove it')),
    look: () => Promise.reject(new Error('not asked here')),
    remove: async () => void done.push('remove table'),
    close: async () => void done.push('close table'),
  };
  const routes: MarkedRoutes = {
    all: () => inKernel,
    claim: (route) => {
      inKernel.push(...takenMeanwhile.splice(0));
      if (unknown.has(route.family)) throw new Error('the kernel refused a routing rule');
      if (inKernel.some(isSame(route))) return 'taken';
      inKernel.push(route);
      done.push(`claim ${route.family} ${nameOf(route)}`);
      return 'claimed';
    },
    leadsHere: (route) => inKernel.some(isSame(route)),
    restore: (route) => {
      if (inKernel.some(isSame(route))) return;
      inKernel.push(route);
      done.push(`restore ${route.family} ${nameOf(route)}`);
    },
    remove: (route) => {
      inKernel.splice(inKernel.findIndex(isSame(route)), 1);
      done.push(`release ${route.family} ${nameOf(route)}`);
    },
    close: () => void done.push('close routes'),
  };
  const refuse = (reason: string): void => {
    refusal = reason;
  };
  return { backend: new TproxyBackend(table, routes), done, inKernel, takenMeanwhile, unknown, refuse };
}

describe('TproxyBackend', () => {
  it('says whose a mark is before it has the route, and captures after that; the end is in reverse', async () => {
    const { backend, done, inKernel } = openBackend();
    await backend.apply(plan);
    await backend.apply(plan);
    expect(done.splice(0)).toEqual([
      'announce 0x01000000',
      'claim 4 0x01000000',
      'claim 6 0x01000000',
      'apply 0x01000000',
      'apply 0x01000000',
    ]);
    await backend.close();
    expect(done).toEqual(['close table', 'release 4 0x01000000', 'release 6 0x01000000', 'close routes']);
    expect(inKernel).toEqual([]);
  });

  it('leaves the marks of others alone, also one that is taken just before it', async () => {
    const { backend, done, inKernel, takenMeanwhile } = openBackend();
    inKernel.push(markedRoute(FREE_MARKS[0]!, 6));
    takenMeanwhile.push(markedRoute(FREE_MARKS[1]!, 6));
    await backend.apply(plan);
    expect(done).toEqual([
      'announce 0x02000000',
      'claim 4 0x02000000',
      'release 4 0x02000000',
      'announce 0x03000000',
      'claim 4 0x03000000',
      'claim 6 0x03000000',
      'apply 0x03000000',
    ]);
  });

  it('takes the bits that it is told, and no others', async () => {
    const { backend, done, inKernel } = openBackend();
    inKernel.push(markedRoute({ mark: 0x3, mask: 0x3 }, 4));
    await expect(backend.apply({ ...plan, tmark: 0x1 })).rejects.toThrow(/give others with --tmark/);
    await backend.apply({ ...plan, tmark: 0x10 });
    expect(done).toContain('apply 0x00000010');
  });

  it('adds a family that comes later, and refuses what another tunnel has of it', async () => {
    const { backend, done, inKernel } = openBackend();
    await backend.apply({ ...plan, families: [4] });
    inKernel.push(markedRoute(FREE_MARKS[0]!, 6));
    await expect(backend.apply(plan)).rejects.toThrow(RefusedError);
    inKernel.pop();
    await backend.apply(plan);
    expect(done.slice(-2)).toEqual(['claim 6 0x01000000', 'apply 0x01000000']);
  });

  it('leaves no route behind of a mark that the kernel refuses in the other family', async () => {
    const { backend, done, inKernel, unknown } = openBackend();
    unknown.add(6);
    await expect(backend.apply(plan)).rejects.toThrow(RefusedError);
    expect(inKernel).toEqual([]);
    unknown.clear();
    await backend.apply(plan);
    expect(done.at(-1)).toBe('apply 0x01000000');
  });

  it('misses a route that somebody else has removed, and puts it back, also when new rules come first', async () => {
    const { backend, done, inKernel } = openBackend();
    await backend.apply(plan);
    expect(await backend.missing()).toBeUndefined();
    inKernel.splice(1, 1);
    expect(await backend.missing()).toBe('ip -6: the rule or the route for packets with mark 0x01000000');
    done.length = 0;
    await backend.putBack();
    expect(done).toEqual(['restore 6 0x01000000']);
    expect(await backend.missing()).toBeUndefined();
    inKernel.splice(0, 1);
    await backend.apply(plan);
    expect(done).toEqual(['restore 6 0x01000000', 'restore 4 0x01000000', 'apply 0x01000000']);
  });

  it('keeps the mark when the rules are refused, for the next attempt', async () => {
    const { backend, done, refuse, inKernel } = openBackend();
    refuse('no room');
    await expect(backend.apply(plan)).rejects.toThrow('no room');
    expect(inKernel).toHaveLength(2);
    await backend.close();
    expect(inKernel).toEqual([]);
    expect(done).not.toContain('apply 0x01000000');
  });
});
