import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placeCgroups } from '../../../../src/intercept/root/cgroup/place-cgroups.ts';
import { RefusedError } from '../../../../src/intercept/root/drivers/backend/rule-backend.ts';
import { SAMPLE_PLANS } from '../rules/sample-plans.ts';

const plan = SAMPLE_PLANS['both-families']!;
const inCgroup = (cgroup: string) => ({ userId: null, groupId: null, cgroup });

describe('placeCgroups', () => {
  let path = '';
  beforeAll(() => {
    path = mkdtempSync(join(tmpdir(), 'tshuttle-place-'));
    mkdirSync(join(path, 'a/b'), { recursive: true });
    writeFileSync(join(path, 'a/cgroup.procs'), '');
  });
  afterAll(() => rmSync(path, { recursive: true }));

  it('leaves a plan as it is that names none, wherever they are', () => {
    const unknown = () => undefined;
    expect(placeCgroups(plan, unknown)).toBe(plan);
    const ofUser = { ...plan, only: [{ userId: 1, groupId: null, cgroup: null }] };
    expect(placeCgroups(ofUser, unknown)).toBe(ofUser);
  });

  it('has no rule for one that is not there, or is none: then it captures less, and never more', () => {
    const only = [
      inCgroup('a/b'),
      inCgroup('a/c'),
      inCgroup('a/cgroup.procs'),
      inCgroup('a/cgroup.procs/b'),
      inCgroup('a'),
    ];
    const placed = placeCgroups({ ...plan, only }, () => ({ path, folder: 'unified/' }));
    expect(placed).toEqual({
      ...plan,
      only: [inCgroup('a/b'), inCgroup('a')],
      cgroupFolder: 'unified/',
    });
    const none = placeCgroups({ ...plan, only: [inCgroup('gone')] }, () => ({ path, folder: '' }));
    expect(none).toEqual({ ...plan, only: [] });
  });

  it('refuses a plan that names one where there is no cgroup2', () => {
    expect(() => placeCgroups({ ...plan, only: [inCgroup('a')] }, () => undefined)).toThrow(RefusedError);
  });
});
