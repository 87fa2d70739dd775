import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { addressBytes } from '../../../src/net/address/literal.ts';
import type { BastionProgram, ProgramListener } from '../../../src/ssh/transport.ts';
import { relayCommand } from '../../../src/tunnel/udp/relay-programs.ts';
import { UdpRelay } from '../../../src/tunnel/udp/udp-relay.ts';
import { until } from '../../support/process/until.ts';

/** What a bastion does with a command, by a shell of this machine; `takes` stands for the window of the connection. */
class LocalPrograms {
  readonly children: ChildProcess[] = [];
  /** Another upload fills the connection. */
  isFull = false;

  readonly start = (command: string, listener: ProgramListener): BastionProgram => {
    const child = spawn('sh', ['-c', command], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // Of the system, as on a bastion.
      env: { PATH: '/usr/bin:/bin' },
    });
    this.children.push(child);
    child.stdin.on('error', () => {});
    child.stdout.on('data', (bytes: Buffer) => listener.said(bytes));
    child.once('close', () => listener.over(undefined));
    return {
      write: (bytes) => void child.stdin.write(bytes),
      send: (bytes) => {
        if (this.isFull || child.stdin.writableLength > 256 * 1024) return false;
        child.stdin.write(bytes);
        return true;
      },
      close: () => child.stdin.end(),
    };
  };

  get pid(): number {
    return this.children[0]!.pid!;
  }

  get isOver(): boolean {
    return this.children[0]!.exitCode !== null || this.children[0]!.signalCode !== null;
  }

  [Symbol.dispose](): void {
    for (const child of this.children) child.kill('SIGKILL');
  }
}

/** Sends each datagram back, from an address of its own. */
async function openEcho(family: 4 | 6, onDatagram?: (datagram: Buffer) => void) {
  const socket: Socket = createSocket({ type: `udp${family}`, recvBufferSize: 4 * 1024 * 1024 });
  socket.on('message', (datagram, { address, port }) => {
    onDatagram?.(datagram);
    if (onDatagram === undefined) socket.send(datagram, port, address);
  });
  socket.bind(0, family === 4 ? '127.0.0.1' : '::1');
  await once(socket, 'listening');
  const { port, address } = socket.address();
  return { port, address: addressBytes(address), [Symbol.dispose]: () => void socket.close() };
}

interface OpenRelay {
  readonly relay: UdpRelay;
  readonly received: Array<{ readonly flow: number; readonly datagram: Buffer }>;
  why(): string | undefined;
}

async function openRelay(programs: LocalPrograms, command?: string): Promise<OpenRelay> {
  const received: Array<{ flow: number; datagram: Buffer }> = [];
  let why: string | undefined;
  let isReady = false;
  const listener = {
    onReady: () => {
      isReady = true;
    },
    onDatagram: (flow: number, datagram: Buffer) =>
      void received.push({ flow, datagram: Buffer.from(datagram) }),
    onOver: (reason: string) => {
      why = reason;
    },
  };
  const relay = new UdpRelay(programs.start, listener, command);
  await until(() => isReady || why !== undefined, { deadlineMs: 15_000, what: 'the relay is ready' });
  return { relay, received, why: () => why };
}

const DEADLINE_MS = 15_000;

test.each(['python3', 'perl'] as const)(
  'a relay in %s loses no datagram, and keeps them apart',
  async (name) => {
    using programs = new LocalPrograms();
    using echo4 = await openEcho(4);
    using echo6 = await openEcho(6);
    const { relay, received } = await openRelay(programs, relayCommand([name]));
    const datagramOf = (index: number): Buffer => Buffer.alloc(index % 250 === 0 ? 1_400 : 10 + index, index);
    // As many at once as a socket's buffer holds for certain.
    for (let index = 0; index < 1_000; index += 1) {
      const { address, port } = index % 2 === 0 ? echo4 : echo6;
      expect(relay.send(1 + (index % 8), address, port, datagramOf(index))).toBe(true);
      if (index % 50 === 49)
        await until(() => received.length === index + 1, {
          deadlineMs: DEADLINE_MS,
          what: () => `${received.length}`,
        });
    }
    const texts = received.map(({ flow, datagram }) => `${flow} ${datagram.toString('hex')}`).sort();
    const expected = Array.from(
      { length: 1_000 },
      (_, index) => `${1 + (index % 8)} ${datagramOf(index).toString('hex')}`,
    );
    expect(texts).toEqual(expected.sort());
    relay.close();
    await until(() => programs.isOver, { deadlineMs: 2_000, what: 'the relay has ended' });
  },
);

test.each(['python3', 'perl'] as const)('a relay in %s that is flooded stays as it is', async (name) => {
  using programs = new LocalPrograms();
  let arrived = 0;
  using sink = await openEcho(4, () => {
    arrived += 1;
  });
  const { relay, why } = await openRelay(programs, relayCommand([name]));
  let taken = 0;
  // More flows than it keeps, more datagrams than anything takes.
  for (let index = 0; index < 20_000; index += 1)
    if (relay.send(index % 2_000, sink.address, sink.port, Buffer.alloc(1_400))) taken += 1;
  expect(taken).toBeLessThan(20_000);
  await until(() => arrived > 0, { deadlineMs: DEADLINE_MS, what: 'some arrive' });
  const isTaken = (): boolean => relay.send(7, sink.address, sink.port, Buffer.from('last'));
  await until(isTaken, { deadlineMs: DEADLINE_MS, what: 'it takes some again' });
  expect(why()).toBeUndefined();
  relay.close();
  await until(() => programs.isOver, { deadlineMs: 5_000, what: 'the relay has ended' });
});

test('a relay starts, whatever else is on the way to the bastion', async () => {
  using programs = new LocalPrograms();
  programs.isFull = true;
  const { relay, why } = await openRelay(programs, relayCommand(['perl']));
  expect(why()).toBeUndefined();
  relay.close();
});

test('a port that nobody has, and one flow that ends, are no harm to others', async () => {
  using programs = new LocalPrograms();
  using echo = await openEcho(4);
  const { relay, received } = await openRelay(programs, relayCommand(['perl']));
  for (let index = 0; index < 5; index += 1) relay.send(1, echo.address, 1, Buffer.from('nobody'));
  relay.endFlow(1);
  relay.endFlow(99);
  relay.send(2, echo.address, echo.port, Buffer.from('there'));
  await until(() => received.length === 1, { deadlineMs: DEADLINE_MS, what: 'an answer' });
  expect(received).toEqual([{ flow: 2, datagram: Buffer.from('there') }]);
  relay.close();
});

test.each([
  ['echo no shell here', 'it runs another command in its place; that says: no shell here'],
  ['true', 'it runs another command in its place, as with ForceCommand'],
  ['echo "tshuttle-udp found nothing"', 'it has neither python3 nor perl'],
  ['echo "tshuttle-udp found constructor"', 'it has neither python3 nor perl'],
  ['yes', 'what it says is no relay’s'],
  [
    'echo "tshuttle-udp found perl"; echo "tshuttle-udp ready"; printf "\\000\\001x"',
    'what it says is no datagram',
  ],
])('what is no relay: %s', async (command, expected) => {
  using programs = new LocalPrograms();
  const { relay, why } = await openRelay(programs, command);
  await until(() => why() !== undefined, { deadlineMs: DEADLINE_MS, what: 'a reason' });
  expect(why()).toBe(expected);
  relay.close();
});
