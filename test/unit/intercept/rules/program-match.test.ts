import { describe, expect, it } from 'vitest';
import { programMatches } from '../../../../src/intercept/rules/program-match.ts';

describe('programMatches', () => {
  it('is null where nothing is chosen, for then everybody is captured', () => {
    expect(programMatches({ userIds: [], groupIds: [], cgroups: [] })).toBeNull();
  });

  it('wants one of each kind that is named', () => {
    expect(programMatches({ userIds: [1, 2], groupIds: [], cgroups: ['a', 'b/c'] })).toEqual([
      { userId: 1, groupId: null, cgroup: 'a' },
      { userId: 1, groupId: null, cgroup: 'b/c' },
      { userId: 2, groupId: null, cgroup: 'a' },
      { userId: 2, groupId: null, cgroup: 'b/c' },
    ]);
    expect(programMatches({ userIds: [], groupIds: [5], cgroups: [] })).toEqual([
      { userId: null, groupId: 5, cgroup: null },
    ]);
  });
});
