import { expect, test } from 'vitest';
import { type Endpoint, makeEndpoint, sameEndpoint } from '../../../../src/net/address/endpoint.ts';
import {
  ConnectionOwners,
  type OwnersMachine,
} from '../../../../src/net/machine/connection-owners/connection-owners.ts';
import { socketsInTables } from '../../../../src/net/machine/connection-owners/socket-table.ts';
import { TimeSlices } from '../../../../src/net/machine/connection-owners/time-slices.ts';

/** Recorded on Debian 12, Linux 6.18: a listener, nc to it, what accepted that, and a connection that waits after its end. */
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:A1B2 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 70001 1 0000000000000000 100 0 0 10 0                     
   1: 0100007F:C350 0200007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 70002 1 0000000000000000 20 4 30 10 -1                    
   2: 0200007F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 70003 1 0000000000000000 20 4 24 10 -1                    
10003: 0100007F:C351 0200007F:1538 06 00000000:00000000 03:00000F0A 00000000     0        0 0 3 0000000000000000                                      
   4: 0100007F:C352 0200007F:1538 01 00000000:00000000 00:00000000 00000000  1001        0 70004 1 0000000000000000 20 4 30 10 -1                    
`;
/** As Java has it: IPv4 by a socket of both families; and one of IPv6. */
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:C353 0000000000000000FFFF00000200007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 70005 1 0000000000000000 20 4 30 10 -1
   1: B80D0120000000000000000001000000:C354 B80D0120000000000000000002000000:01BB 08 00000000:00000001 00:00000000 00000000  1000        0 70006 1 0000000000000000 20 4 30 10 -1
`;
const SERVER = makeEndpoint('127.0.0.2', 5_432)!;
const at = (port: number, address = '127.0.0.1'): Endpoint => makeEndpoint(address, port)!;
const to = (port: number, remote: Endpoint | undefined = SERVER) => ({ local: at(port), remote });

test('sockets are found in the tables of the kernel, by their two endpoints or the one', async () => {
  const found = await socketsInTables(
    [TCP, TCP6, ''],
    [
      to(50_000),
      { local: at(50_000), remote: undefined },
      to(50_000, makeEndpoint('10.0.0.8', 5_432)!),
      to(50_001),
      to(50_003),
      { local: at(50_004, '2001:db8::1'), remote: makeEndpoint('2001:db8::2', 443)! },
      to(0xa1b2),
      to(1),
    ],
    new TimeSlices(),
  );
  expect(found.map((socket) => socket?.inode)).toEqual([
    70_002,
    70_002,
    undefined,
    0,
    70_005,
    70_006,
    undefined,
    undefined,
  ]);
  expect(found[0]?.userId).toBe(1_000);
});

/** A machine with the tables above and these processes, each with the inodes of its sockets; it counts what is read. */
class FakeMachine implements OwnersMachine {
  readonly processes = new Map<number, { readonly name: string; readonly inodes: readonly number[] }>();
  userId = 1_000;
  time = 0;
  lookedInto: number[] = [];
  tablesRead = 0;
  readonly proc: OwnersMachine['proc'] = {
    names: (path) => {
      if (path === '') return ['self', 'net', ...[...this.processes.keys()].map(String)];
      const pid = Number(path.split('/')[0]);
      this.lookedInto.push(pid);
      return this.processes.get(pid)?.inodes.map((_, index) => String(index));
    },
    link: (path) => {
      const [pid = '', , descriptor = ''] = path.split('/');
      const inode = this.processes.get(Number(pid))?.inodes[Number(descriptor)];
      return inode === 0 ? '/dev/null' : `socket:[${inode}]`;
    },
    text: (path) => {
      const process = this.processes.get(Number(path.split('/')[0]));
      return process === undefined ? '' : `${process.name}\n`;
    },
    longText: (path) => {
      this.tablesRead += 1;
      return Promise.resolve(path === 'net/tcp' ? TCP : TCP6);
    },
  };

  openKernel: NonNullable<OwnersMachine['openKernel']> = () => {
    throw new Error('socket failed with errno 93');
  };

  ownAddresses = (): readonly string[] => ['192.0.2.5'];
  nowMs = (): number => this.time;
}

function machine(
  ...processes: ReadonlyArray<readonly [pid: number, name: string, ...inodes: number[]]>
): FakeMachine {
  const made = new FakeMachine();
  for (const [pid, name, ...inodes] of processes) made.processes.set(pid, { name, inodes });
  return made;
}

test('the program and its pid, by the descriptors of processes', async () => {
  const here = machine([10, 'bash', 0], [20, 'psql', 0, 70_002], [30, 'java', 70_005]);
  const owners = new ConnectionOwners([], here);
  const remote = { local: at(40_000, '192.0.2.77'), remote: SERVER };
  const looked = await owners.look([to(50_000), remote, to(50_001), to(50_003), to(50_002), to(9)]);
  expect(looked).toEqual([
    { kind: 'program', name: 'psql', pid: 20 },
    { kind: 'machine', address: '192.0.2.77' },
    { kind: 'ended' },
    { kind: 'program', name: 'java', pid: 30 },
    { kind: 'user', userId: 1_001 },
    { kind: 'ended' },
  ]);
  owners.close();
});

test('what was found is not searched again, and forgotten with its socket; who has one is asked for others first', async () => {
  const here = machine([20, 'psql', 70_002, 70_005], [30, 'other']);
  const owners = new ConnectionOwners([], here);
  await owners.look([to(50_000)]);
  here.lookedInto = [];
  expect(await owners.look([to(50_000)])).toMatchObject([{ pid: 20 }]);
  expect(here.lookedInto).toEqual([]);
  await owners.look([to(50_000), to(50_003)]);
  expect(here.lookedInto).toEqual([20]);
  await owners.look([]);
  await owners.look([to(50_000)]);
  expect(here.lookedInto).toEqual([20, 30, 20]);
});

test('a socket that a program has left to another one is found there', async () => {
  const here = machine([20, 'sh', 70_002]);
  const owners = new ConnectionOwners([], here);
  expect(await owners.look([to(50_000)])).toMatchObject([{ pid: 20 }]);
  here.processes.delete(20);
  here.processes.set(21, { name: 'worker', inodes: [70_002] });
  expect(await owners.look([to(50_000)])).toEqual([{ kind: 'unknown' }]);
  expect(await owners.look([to(50_000)])).toEqual([{ kind: 'program', name: 'worker', pid: 21 }]);
});

test('neither servers of such connections nor this process are looked into', async () => {
  const here = machine([process.pid, 'top', 70_002], [40, 'tshuttle', 70_002]);
  expect(await new ConnectionOwners([40], here).look([to(50_000)])).toEqual([{ kind: 'unknown' }]);
  expect(here.lookedInto).toEqual([]);
});

test('a look is bounded, the next one goes on, and what nobody has is not searched each time', async () => {
  const here = machine([1, 'psql', 70_002], [2, 'many', ...new Array<number>(30_000).fill(0)]);
  // No process has such an id (2^22 at most), not even this one, which is not looked into.
  for (let pid = 5_000_000; pid < 5_000_690; pid += 1) here.processes.set(pid, { name: 'idle', inodes: [0] });
  const owners = new ConnectionOwners([], here);
  const connections = [to(50_000), to(50_003)];
  const looks: number[] = [];
  for (let look = 0; look < 5; look += 1) {
    here.lookedInto = [];
    const [psql, unknown] = await owners.look(connections);
    expect(psql?.kind).toBe(look < 2 ? 'unknown' : 'program');
    expect(unknown).toEqual({ kind: 'unknown' });
    looks.push(here.lookedInto.length);
  }
  // 512 of 692, what remains up to the one with so many descriptors, the last one; then nothing more.
  expect(looks).toEqual([512, 179, 1, 0, 0]);
  here.time += 30_000;
  await owners.look(connections);
  expect(here.lookedInto.length).toBe(512);
});

test("root looks into everybody's; others are told whose it is without a look", async () => {
  const here = machine([20, 'curl', 70_004]);
  const owners = new ConnectionOwners([], here);
  expect(await owners.look([to(50_002)])).toEqual([{ kind: 'user', userId: 1_001 }]);
  expect(here.lookedInto).toEqual([]);
  here.userId = 0;
  expect(await owners.look([to(50_002)])).toEqual([{ kind: 'program', name: 'curl', pid: 20 }]);
});

test('the kernel is asked where it can be; its tables only while it has found nothing, or where all is not known', async () => {
  const here = machine([20, 'psql', 5]);
  let finds = 0;
  here.openKernel = () => ({
    find: (local, remote) => {
      finds += 1;
      const isThere = local.port === 6_000 && sameEndpoint(remote, SERVER);
      return isThere
        ? { local, remote, state: 1, userId: 1_000, inode: 5, cookie: Buffer.alloc(8) }
        : undefined;
    },
    close: () => {},
  });
  const owners = new ConnectionOwners([], here);
  await owners.look([to(50_000)]);
  expect([finds, here.tablesRead]).toEqual([1, 2]);
  expect(await owners.look([to(6_000)])).toMatchObject([{ name: 'psql' }]);
  // It can tell, so this one has ended.
  expect(await owners.look([to(50_000)])).toEqual([{ kind: 'ended' }]);
  expect([finds, here.tablesRead]).toEqual([3, 2]);
  await owners.look([{ local: at(50_000), remote: undefined }]);
  expect([finds, here.tablesRead]).toEqual([3, 4]);
});

test('a name that moves cursors is only a name', async () => {
  const here = machine([20, 'x\u001b[2J\ny', 70_002]);
  expect(await new ConnectionOwners([], here).look([to(50_000)])).toMatchObject([{ name: 'x[2J y' }]);
});
