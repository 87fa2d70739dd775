import { expect, test } from 'vitest';
import { FlowPrograms } from '../../../../src/app/running-tunnels/flow-programs.ts';
import type { ConnectionOwner } from '../../../../src/net/machine/connection-owners/connection-owners.ts';
import type { OwnConnection } from '../../../../src/net/machine/connection-owners/socket-table.ts';

const flow = (port: number, called: string | null = '10.0.0.8:5432') => ({
  originator: `127.0.0.1:${port}`,
  destination: 'db.internal:5432',
  called,
});

/** Says that each connection is of the process that has its port for a pid. */
class FakeOwners {
  readonly looks: Array<readonly OwnConnection[]> = [];
  answered: Promise<void> = Promise.resolve();

  async look(connections: readonly OwnConnection[]): Promise<readonly ConnectionOwner[]> {
    this.looks.push(connections);
    await this.answered;
    return connections.map(({ local }) => ({ kind: 'program', name: 'psql', pid: local.port }));
  }

  close(): void {}
}

test('the program of each flow, by what its socket is connected to', async () => {
  const owners = new FakeOwners();
  const programs = new FlowPrograms(owners);
  const bySocket = { originator: '/run/user/1000/forward.sock', destination: 'db:1', called: null };
  const old = { originator: '[::1]:7', destination: 'db.internal:5432' };
  expect(await programs.look([flow(5), bySocket, old])).toBe(true);
  expect(owners.looks).toEqual([
    [
      {
        local: { family: 4, address: '127.0.0.1', port: 5 },
        remote: { family: 4, address: '10.0.0.8', port: 5432 },
      },
      { local: { family: 6, address: '::1', port: 7 }, remote: undefined },
    ],
  ]);
  expect(programs.ownerOf(flow(5))).toEqual({ kind: 'program', name: 'psql', pid: 5 });
  expect(programs.ownerOf(old)).toMatchObject({ pid: 7 });
  expect(programs.ownerOf(bySocket)).toBeUndefined();
  expect(programs.ownerOf(flow(5, '10.0.0.9:5432'))).toBeUndefined();
});

test('at most one look at once, one in two seconds, and a bounded one', async () => {
  const owners = new FakeOwners();
  let nowMs = 0;
  let answer: () => void = () => {};
  owners.answered = new Promise((resolve) => {
    answer = resolve;
  });
  const programs = new FlowPrograms(owners, () => nowMs);
  const first = programs.look([flow(1)]);
  nowMs = 60_000;
  expect(await programs.look([flow(2)])).toBe(false);
  answer();
  expect(await first).toBe(true);
  expect(await programs.look([flow(2)])).toBe(false);
  nowMs += 2_000;
  const many = Array.from({ length: 3_000 }, (_, index) => flow(index + 1));
  expect(await programs.look(many)).toBe(true);
  expect(owners.looks.map(({ length }) => length)).toEqual([1, 1_024]);
});

test('a look that fails is over', async () => {
  const owners = new FakeOwners();
  owners.answered = Promise.reject(new Error('a bug'));
  let nowMs = 0;
  const programs = new FlowPrograms(owners, () => nowMs);
  await expect(programs.look([flow(1)])).rejects.toThrow('a bug');
  owners.answered = Promise.resolve();
  nowMs = 2_000;
  expect(await programs.look([flow(1)])).toBe(true);
});
