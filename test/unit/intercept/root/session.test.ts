import { describe, expect, it } from 'vitest';
import { deferred } from '../../../../src/core/deferred.ts';
import type { Request, RulesNews } from '../../../../src/intercept/protocol/protocol.ts';
import {
  type Exposure,
  RefusedError,
  type RuleBackend,
} from '../../../../src/intercept/root/drivers/backend/rule-backend.ts';
import { HelperSession } from '../../../../src/intercept/root/session.ts';
import type { OwnedPlan } from '../../../../src/intercept/rules/redirect-plan.ts';
import { GrammarError } from '../../../../src/net/messages/field-reader.ts';
import { SAMPLE_PLANS } from '../rules/sample-plans.ts';

const plan = SAMPLE_PLANS['both-families']!;
const apply: Request = { type: 'apply', id: 9, plan };
const applyWithout: Request = { ...apply, id: 10, plan: { ...plan, exempt: [] } };
const use: Request = { type: 'use', id: 8, candidate: 'libnftables-unowned' };

/** A back end that keeps what it was told as state, and refuses when told so. */
class FakeBackend implements RuleBackend {
  rules = 'none';
  refusal: string | undefined;
  exposure: Exposure = { kind: 'owned' };

  apply({ exempt }: OwnedPlan): Promise<void> {
    return this.#set(exempt.length === 0 ? 'plan without exempts' : 'plan');
  }

  missing(): Promise<string | undefined> {
    return Promise.resolve(this.rules === 'removed' ? 'all' : undefined);
  }

  putBack(): Promise<void> {
    return this.#set('put back');
  }

  async look() {
    return {
      ownRules: true,
      earlierNat: ['inet sing-box output'],
      drops: [],
      ufw: false,
      wgQuick: [],
      notrack: [],
      inputDrops: [],
      packetFilter: null,
    };
  }

  remove(): Promise<void> {
    return this.#set('none');
  }

  close(): Promise<void> {
    return this.#set('closed');
  }

  #set(rules: string): Promise<void> {
    if (this.refusal !== undefined) return Promise.reject(new RefusedError(this.refusal));
    this.rules = rules;
    return Promise.resolve();
  }
}

function openSession({ mayNotOutlive = false } = {}) {
  const guardians: string[] = [];
  const guardianLost = deferred<string>();
  const backend = new FakeBackend();
  const routes: string[] = [];
  const enclosures: string[] = [];
  const lost: string[] = [];
  const dns: (number | undefined)[] = [];
  const asked: [connections: number, exempt: number][] = [];
  const told: RulesNews[] = [];
  const looks: Array<() => Promise<void>> = [];
  const session = new HelperSession(
    { onLost: (reason) => lost.push(reason), onRules: (news) => told.push(news) },
    {
      probe: () => Promise.resolve([]),
      cleanup: () => Promise.resolve({ removed: [], kept: [], failed: [], unread: [] }),
      openBackend: () => backend,
      enclose: (pid) => ({
        cgroup: `a/${pid}`,
        remove: () => void enclosures.push(`removed when the rules were ${backend.rules}`),
      }),
      openRoute: ({ address, prefixLength }) => {
        const network = `${address}/${prefixLength}`;
        routes.push(network);
        return { close: () => void routes.splice(routes.indexOf(network), 1) };
      },
      mustEndWithHelper: () => Promise.resolve(mayNotOutlive),
      makeTransparent: () => 12_300,
      startGuardian: () => {
        guardians.push('watches');
        const release = async (): Promise<void> => void guardians.push('released');
        return Promise.resolve({ lost: guardianLost.promise, release });
      },
      endStranded: (connections, inForce) => {
        asked.push([connections.length, inForce.exempt.length]);
        return connections.map(() => 'ended');
      },
      udpPortsInUse: () => Promise.resolve([50_001]),
      forgetQueries: (before, now) => dns.push(before?.redirects.length, now?.redirects.length),
      watch: ({ look }) => {
        looks.push(() => look(() => 'a program'));
        return { close: () => void looks.pop() };
      },
    },
  );
  return { session, backend, guardians, guardianLost, lost, routes, dns, asked, told, looks, enclosures };
}

describe('HelperSession', () => {
  it('encloses one process before there are rules, and lets go of it when they are gone', async () => {
    const { session, enclosures } = openSession();
    const enclose = { type: 'enclose', id: 7, pid: 4_711 } as const;
    await expect(session.serve(enclose)).rejects.toThrow(GrammarError);
    await session.serve(use);
    expect(await session.serve(enclose)).toEqual({ type: 'enclosed', id: 7, cgroup: 'a/4711' });
    await expect(session.serve(enclose)).rejects.toThrow('enclosed already');
    await session.serve(apply);
    await expect(session.serve(enclose)).rejects.toThrow(GrammarError);
    await session.end('client ended');
    expect(enclosures).toEqual(['removed when the rules were closed']);
  });

  it('leaves the command enclosed where another helper may go on', async () => {
    const { session, backend, enclosures } = openSession();
    await session.serve(use);
    await session.serve({ type: 'enclose', id: 7, pid: 4_711 });
    await session.end('helper ends');
    expect([backend.rules, enclosures]).toEqual(['closed', []]);
  });

  it('sets no rules that would outlive it where others would not, and else only with one that watches it', async () => {
    const strict = openSession({ mayNotOutlive: true });
    expect(await strict.session.serve(use)).toMatchObject({
      type: 'failed',
      reason: expect.stringContaining('outlive'),
    });
    await expect(strict.session.serve(apply)).rejects.toThrow(GrammarError);
    expect(await strict.session.serve({ ...use, candidate: 'libnftables' })).toEqual({ type: 'done', id: 8 });
    expect(strict.guardians).toEqual([]);

    const { session, backend, guardians } = openSession();
    await session.serve(use);
    await session.serve(apply);
    expect(guardians).toEqual(['watches']);
    backend.refusal = 'busy';
    await expect(session.end('client ended')).rejects.toThrow('busy');
    expect(guardians, 'it is to try, too').toEqual(['watches']);
    backend.refusal = undefined;
    await session.end('client ended');
    expect(guardians).toEqual(['watches', 'released']);
  });

  it('makes a bounded number of routes, which go with it, whatever becomes of the rules', async () => {
    const { session, backend, routes } = openSession();
    const route = { type: 'route', id: 3, network: { address: '198.18.0.0', prefixLength: 19 } } as const;
    await expect(session.serve(route)).rejects.toThrow(GrammarError);
    await session.serve(use);
    expect(await session.serve(route)).toEqual({ type: 'done', id: 3 });
    expect(routes).toEqual(['198.18.0.0/19']);
    await session.serve(apply);
    const another = (third: number) => ({
      ...route,
      network: { address: `198.18.${third}.0`, prefixLength: 19 },
    });
    for (let count = 1; count < 16; count += 1) await session.serve(another(32 * (count % 8)));
    expect(routes).toHaveLength(16);
    await expect(session.serve(another(0))).rejects.toThrow(GrammarError);
    backend.refusal = 'busy';
    await expect(session.end('client ended')).rejects.toThrow('busy');
    expect(routes).toEqual([]);
  });

  it('serves a life from its start to its end', async () => {
    const { session, backend } = openSession();
    expect(await session.serve({ type: 'start', id: 1, method: 'auto', families: [4] })).toMatchObject({
      type: 'started',
      id: 1,
    });
    expect(await session.serve({ type: 'cleanup', id: 2 })).toMatchObject({ type: 'cleaned', id: 2 });
    await session.serve(use);
    expect(await session.serve(apply)).toEqual({ type: 'applied', id: 9, left: { zones: [], udp: null } });
    expect(backend.rules).toBe('plan');
    await session.serve(applyWithout);
    expect(backend.rules).toBe('plan without exempts');
    await session.end('client ended');
    expect(backend.rules).toBe('closed');
  });

  it('judges stranded connections by the plan in force, and by what is exempt now', async () => {
    const { session, asked, backend } = openSession();
    const one = { originator: plan.exempt[0]!, destination: plan.exempt[0]! };
    const request: Request = { type: 'end-stranded', id: 5, connections: [one, one] };
    await session.serve(use);
    await expect(session.serve(request)).rejects.toThrow(GrammarError);
    await session.serve(apply);
    expect(await session.serve(request)).toEqual({ type: 'stranded', id: 5, fates: ['ended', 'ended'] });
    await session.serve(applyWithout);
    await session.serve(request);
    backend.refusal = 'busy';
    await session.serve(apply);
    await session.serve(request);
    expect(asked).toEqual([
      [2, plan.exempt.length],
      [2, 0],
      [2, 0],
    ]);
  });

  it('has queries forgotten whenever the rules about them have changed, not when they could not be', async () => {
    const { session, backend, dns } = openSession();
    await session.serve(use);
    backend.refusal = 'busy';
    await session.serve(apply);
    expect(dns).toEqual([]);
    backend.refusal = undefined;
    await session.serve(apply);
    expect(dns.splice(0)).toEqual([undefined, 3]);
    await session.serve({ ...apply, plan: { ...plan, dns: null } });
    expect(dns.splice(0)).toEqual([3, undefined]);
    await session.serve(apply);
    await session.end('client ended');
    expect(dns).toEqual([undefined, 3, 3, undefined]);
  });

  it.each<[string, readonly Request[], Request]>([
    ['apply before use', [], apply],
    ['a look before apply', [use], { type: 'look', id: 1 }],
    ['use twice', [use], use],
    [
      'start after use: its tools would inherit the netlink socket',
      [use],
      { type: 'start', id: 1, method: 'auto', families: [4] },
    ],
    ['cleanup after use', [use], { type: 'cleanup', id: 1 }],
    ['another listener port', [use, apply], { ...apply, plan: { ...plan, listenerPort: 1 } }],
  ])('refuses %s', async (_name, before, request) => {
    const { session } = openSession();
    for (const earlier of before) await session.serve(earlier);
    await expect(session.serve(request)).rejects.toThrow(GrammarError);
  });

  it('answers with the reason when the system refuses, and stays where it was', async () => {
    const { session, backend } = openSession();
    await session.serve(use);
    backend.refusal = 'Operation not permitted';
    expect(await session.serve(apply)).toEqual({ type: 'failed', id: 9, reason: 'Operation not permitted' });
    await expect(session.serve({ type: 'look', id: 1 })).rejects.toThrow(GrammarError);
  });

  it('reports rules that nobody would undo any more', async () => {
    const { session, guardianLost, lost } = openSession();
    await session.serve(use);
    guardianLost.resolve('the guardian ended');
    await guardianLost.promise;
    await Promise.resolve();
    expect(lost).toEqual(['the guardian ended']);
  });

  it('puts back what somebody else has removed, and does not watch what the kernel keeps for it', async () => {
    const { session, backend, told, looks } = openSession();
    await session.serve(use);
    await session.serve(apply);
    expect(looks).toEqual([]);
    backend.exposure = { kind: 'unannounced' };
    await session.serve(apply);
    await session.serve(apply);
    expect(looks).toHaveLength(1);
    await looks[0]!();
    expect([backend.rules, told]).toEqual(['plan', []]);
    backend.rules = 'removed';
    await looks[0]!();
    expect(backend.rules).toBe('put back');
    expect(told).toEqual([{ state: 'back', what: 'a program has removed redirect rules (all)' }]);
    await session.end('client ended');
    expect(looks).toEqual([]);
  });

  it('says once that they cannot be put back, and that they are back when a request has set them', async () => {
    const { session, backend, told, looks } = openSession();
    backend.exposure = { kind: 'unannounced' };
    await session.serve(use);
    await session.serve(apply);
    backend.rules = 'removed';
    backend.refusal = 'busy';
    await looks[0]!();
    await looks[0]!();
    expect(await session.serve(apply)).toMatchObject({ type: 'failed', reason: 'busy' });
    expect(told).toEqual([
      { state: 'lost', what: 'a program has removed redirect rules (all); they are not put back: busy' },
    ]);
    backend.refusal = undefined;
    await session.serve(apply);
    expect(told.slice(1)).toMatchObject([{ state: 'back' }]);
    await session.end('client ended');
  });

  it('gives up for a while on those that are removed again and again', async () => {
    const { session, backend, told, looks } = openSession();
    backend.exposure = { kind: 'unannounced' };
    await session.serve(use);
    await session.serve(apply);
    for (let removals = 0; removals < 7; removals += 1) {
      backend.rules = 'removed';
      await looks[0]!();
    }
    expect(told.map(({ state }) => state)).toEqual(['back', 'back', 'back', 'back', 'lost']);
    expect(told.at(-1)?.what).toMatch(/not put back: that was done 5 times within a minute/);
    expect(backend.rules).toBe('removed');
    await session.end('client ended');
  });

  it('does what was refused for want of rules when they are back', async () => {
    const { session, backend, told } = openSession();
    backend.exposure = { kind: 'unannounced' };
    await session.serve(use);
    await session.serve(apply);
    backend.rules = 'removed';
    backend.apply = () =>
      backend.rules === 'removed' ? Promise.reject(new RefusedError('no such chain')) : Promise.resolve();
    expect(await session.serve(applyWithout)).toEqual({
      type: 'applied',
      id: 10,
      left: { zones: [], udp: null },
    });
    expect(told).toMatchObject([{ state: 'back' }]);
    await session.end('client ended');
  });

  it('says so when rules cannot be removed at the end', async () => {
    const { session, backend } = openSession();
    await session.serve(use);
    backend.refusal = 'xtables lock';
    await expect(session.end('client ended')).rejects.toThrow('xtables lock');
  });

  it('has plans name the port of the listeners that it has made transparent, and watches over what tproxy leaves', async () => {
    const { session, guardians } = openSession({ mayNotOutlive: true });
    await session.serve({ type: 'use', id: 1, candidate: 'tproxy' });
    expect(guardians).toEqual(['watches']);
    expect(await session.serve({ type: 'transparent', id: 2, descriptors: [20] })).toEqual({
      type: 'done',
      id: 2,
    });
    const elsewhere: Request = { ...apply, id: 3, plan: { ...plan, listenerPort: 12_301 } };
    await expect(session.serve(elsewhere)).rejects.toThrow(GrammarError);
    const there: Request = { ...apply, id: 4, plan: { ...plan, listenerPort: 12_300 } };
    expect(await session.serve(there)).toMatchObject({ id: 4 });
    await session.end('client ended');
    expect(guardians).toEqual(['watches', 'released']);
  });
});
