import { expect, test } from 'vitest';
import {
  MIN_QUEUE_BYTES,
  type Sender,
  SendScheduler,
  type SendTarget,
} from '../../../../../../src/ssh/ssh2/channels/flow-control/send-scheduler.ts';

const PACKET_BYTES = 32 * 1024;
const ROUND = {
  roundTripMs: 50,
  averageRoundTripMs: 50,
  baseRoundTripMs: 40,
  tcpRoundTripMs: undefined,
  isLossy: false,
  durationMs: 50,
};

/** A connection that takes what it is given until the test says that it is full. */
class FakeTarget implements SendTarget {
  open = true;
  queued = 0;
  readonly unsentLimits: number[] = [];
  isOpenForData(): boolean {
    return this.open;
  }
  queuedBytes(): number {
    return this.queued;
  }
  /** What waits to leave together; the kernel takes all of it. */
  gathered = 0;
  flush(): boolean {
    if (this.gathered === 0) return false;
    this.queued -= this.gathered;
    this.gathered = 0;
    return true;
  }
  /** The queue is above the stream's high-water mark. */
  isHigh = false;
  tellsWhenDrained(): boolean {
    return this.isHigh;
  }
  /** Whoever waits until others have had their turn. */
  readonly waiting: Array<() => void> = [];
  afterOthers(callback: () => void): void {
    this.waiting.push(callback);
  }
  limitUnsent(bytes: number): void {
    this.unsentLimits.push(bytes);
  }
}

/** A channel with so many packets to send, of one size whatever is allowed; each turn is written down. */
class FakeSender implements Sender {
  recent: number;
  packets: number;
  allowedBytes = 0;
  readonly #name: string;
  readonly #turns: string[];
  readonly #packetBytes: number;
  constructor(name: string, packets: number, recent: number, turns: string[], packetBytes = PACKET_BYTES) {
    this.#packetBytes = packetBytes;
    this.#name = name;
    this.packets = packets;
    this.recent = recent;
    this.#turns = turns;
  }
  recentlySentBytes(): number {
    return this.recent;
  }
  wantsTurn(): boolean {
    return this.packets > 0;
  }
  sendPacket(_nowMs: number, maxBytes: number): number {
    this.allowedBytes = maxBytes;
    if (this.packets === 0) return 0;
    this.packets -= 1;
    this.recent += this.#packetBytes;
    this.#turns.push(this.#name);
    return this.#packetBytes;
  }
}

const BULK_RECENT = 10 * 1024 * 1024;

function lab() {
  const target = new FakeTarget();
  const turns: string[] = [];
  let limited = 0;
  let held = 0;
  const scheduler = new SendScheduler(target, {
    expectSoon: () => {
      limited += 1;
    },
    expectAny: () => {
      held += 1;
    },
  });
  /** Everything sent so far has arrived. */
  const arrive = () => scheduler.onArrived(scheduler.mark());
  /** Other sockets have their turn after each row, until nothing is left to do. */
  const settle = () => {
    while (target.waiting.length > 0) target.waiting.shift()?.();
  };
  return { target, turns, scheduler, arrive, settle, limited: () => limited, held: () => held };
}

/** As many packets as may be in flight at the start. */
const IN_FLIGHT_PACKETS = 32;

test('bulk stops at the in-flight limit, asks for a measurement, and goes on when data has arrived', () => {
  const { turns, scheduler, arrive, settle, limited } = lab();
  scheduler.enqueue(new FakeSender('bulk', 100, BULK_RECENT, turns));
  settle();
  expect(turns.length).toBe(IN_FLIGHT_PACKETS);
  expect(limited()).toBeGreaterThan(0);
  arrive();
  settle();
  expect(turns.length).toBe(2 * IN_FLIGHT_PACKETS);
});

test('bulk that a queue holds up goes on with an answer, for the stream need not tell that the queue is empty', () => {
  const { target, turns, scheduler, arrive, settle, limited, held } = lab();
  target.queued = 12 * 1024;
  scheduler.enqueue(new FakeSender('bulk', 5, BULK_RECENT, turns));
  settle();
  expect(turns).toEqual([]);
  expect(held()).toBe(1);
  expect(limited()).toBe(0);
  // Of this one the stream tells.
  target.isHigh = true;
  scheduler.run();
  expect(held()).toBe(1);
  target.queued = 0;
  arrive();
  settle();
  expect(turns).toHaveLength(5);
});

test('bulk stops long before that where a queue shows', () => {
  const { turns, scheduler, arrive, settle } = lab();
  scheduler.enqueue(new FakeSender('bulk', 100, BULK_RECENT, turns));
  arrive();
  scheduler.onRound({ ...ROUND, averageRoundTripMs: 90, tcpRoundTripMs: 90, durationMs: 90 });
  const before = turns.length;
  settle();
  expect(turns.length).toBeLessThan(before + 8);
});

test('a new flow goes before bulk that waits', () => {
  const { turns, scheduler, settle } = lab();
  scheduler.enqueue(new FakeSender('bulk', 100, BULK_RECENT, turns));
  settle();
  scheduler.enqueue(new FakeSender('new', 1, 0, turns));
  expect(turns.length).toBe(IN_FLIGHT_PACKETS + 1);
  expect(turns.at(-1)).toBe('new');
});

test('a new flow that turns out to be bulk takes its turn with the others', () => {
  const { turns, scheduler, arrive, settle } = lab();
  scheduler.enqueue(new FakeSender('a', 1000, BULK_RECENT, turns));
  scheduler.enqueue(new FakeSender('b', 1000, 0, turns));
  for (let rounds = 0; rounds < 10; rounds += 1) {
    arrive();
    settle();
  }
  const late = turns.slice(-10);
  expect(late.filter((name) => name === 'a').length).toBe(5);
});

test('however many new flows there are, bulk gets its turn', () => {
  const { target, turns, scheduler } = lab();
  target.open = false;
  scheduler.enqueue(new FakeSender('bulk', 1, BULK_RECENT, turns));
  for (let flow = 0; flow < 40; flow += 1) scheduler.enqueue(new FakeSender('new', 1, 0, turns, 100));
  target.open = true;
  scheduler.run();
  expect(turns.indexOf('bulk')).toBe(8);
});

test('nothing is sent while keys are exchanged', () => {
  const { target, turns, scheduler } = lab();
  target.open = false;
  scheduler.enqueue(new FakeSender('new', 1, 0, turns));
  expect(turns).toEqual([]);
  target.open = true;
  scheduler.run();
  expect(turns).toEqual(['new']);
});

test('bulk waits for a short queue, everybody for one that is full', () => {
  const { target, turns, scheduler } = lab();
  target.queued = 16 * 1024;
  scheduler.enqueue(new FakeSender('bulk', 1, BULK_RECENT, turns));
  expect(turns).toEqual([]);
  scheduler.enqueue(new FakeSender('new', 1, 0, turns));
  expect(turns).toEqual(['new']);
  target.queued = 1024 * 1024;
  scheduler.enqueue(new FakeSender('newer', 1, 0, turns));
  expect(turns).toEqual(['new']);
});

test('the faster the path, the more may wait unsent in the kernel, and the larger packets may be', () => {
  const { target, turns, scheduler, arrive } = lab();
  const sender = new FakeSender('bulk', 10_000, BULK_RECENT, turns);
  expect(target.unsentLimits).toEqual([MIN_QUEUE_BYTES]);
  scheduler.enqueue(sender);
  expect(sender.allowedBytes).toBeLessThan(MIN_QUEUE_BYTES);
  for (let rounds = 0; rounds < 12; rounds += 1) {
    arrive();
    scheduler.onRound({
      ...ROUND,
      durationMs: 0.1,
      averageRoundTripMs: 0.1,
      roundTripMs: 0.1,
      baseRoundTripMs: 0.1,
    });
  }
  expect(target.unsentLimits.at(-1)).toBeGreaterThan(256 * 1024);
  expect(sender.allowedBytes).toBeGreaterThan(PACKET_BYTES);
});

test('a channel that is over gets no turn', () => {
  const { target, turns, scheduler } = lab();
  const sender = new FakeSender('gone', 1, 0, turns);
  target.open = false;
  scheduler.enqueue(sender);
  scheduler.forget(sender);
  target.open = true;
  scheduler.run();
  expect(turns).toEqual([]);
});

test('what was sent is flushed when it holds up the next turn, and else left to go with more', () => {
  const target = new FakeTarget();
  const turns: string[] = [];
  const scheduler = new SendScheduler(target, { expectSoon: () => {}, expectAny: () => {} });
  const sender = new FakeSender('bulk', 2, 0, turns);
  const send = sender.sendPacket.bind(sender);
  sender.sendPacket = (nowMs, maxBytes) => {
    const bytes = send(nowMs, maxBytes);
    target.gathered += 2 * 1024 * 1024;
    target.queued += 2 * 1024 * 1024;
    return bytes;
  };
  scheduler.enqueue(sender);
  expect(turns).toHaveLength(2);
  // Nobody waits for this one to leave.
  expect(target.gathered).toBe(2 * 1024 * 1024);
});

test('after a row other sockets have their turn, then it goes on', () => {
  const { target, turns, scheduler } = lab();
  target.open = false;
  for (let flow = 0; flow < 20; flow += 1) scheduler.enqueue(new FakeSender('new', 1, 0, turns));
  target.open = true;
  scheduler.run();
  expect(turns).toHaveLength(4);
  scheduler.run();
  expect(turns).toHaveLength(8);
  expect(target.waiting).toHaveLength(1);
  target.waiting.shift()?.();
  expect(turns).toHaveLength(12);
  expect(target.waiting).toHaveLength(1);
});
