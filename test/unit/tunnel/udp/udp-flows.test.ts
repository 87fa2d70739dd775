import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Deferred, deferred } from '../../../../src/core/deferred.ts';
import { type Endpoint, formatEndpoint, makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import { bytesToAddress } from '../../../../src/net/address/literal.ts';
import { UdpFlows } from '../../../../src/tunnel/udp/udp-flows.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const at = (address: string, port: number): Endpoint => makeEndpoint(address, port)!;
const CLIENT = at('192.0.2.2', 40_000);
const SERVER = at('10.0.0.8', 5_000);

function open() {
  const log: string[] = [];
  const asked: Array<Deferred<Endpoint>> = [];
  let nowMs = 0;
  let isFull = false;
  const flows = new UdpFlows({
    nowMs: () => nowMs,
    lookUp: () => {
      const one = deferred<Endpoint>();
      asked.push(one);
      return one.promise;
    },
    target: ({ address, port }) => at(address === '10.201.0.1' ? '10.1.0.1' : address, port),
    send: (flow, address, port, datagram) => {
      if (!isFull) log.push(`${flow} > ${bytesToAddress(address)}:${port} ${datagram}`);
      return !isFull;
    },
    endFlow: (flow) => void log.push(`${flow} end`),
    reply: (source, datagram) => void log.push(`${formatEndpoint(source)} < ${datagram}`),
    dropped: (what) => void log.push(`dropped ${what}`),
  });
  return {
    flows,
    log,
    asked,
    wait: async (ms: number) => {
      nowMs += ms;
      await vi.advanceTimersByTimeAsync(ms);
    },
    answer: async (index: number, destination: Endpoint) => {
      asked[index]!.resolve(destination);
      await vi.advanceTimersByTimeAsync(0);
    },
    fill: () => {
      isFull = true;
    },
  };
}

describe('the flows of datagrams', () => {
  test('go to where the kernel says, in order, asked once; answers come back', async () => {
    const { flows, log, asked, answer } = open();
    flows.fromProgram(CLIENT, Buffer.from('one'));
    flows.fromProgram(CLIENT, Buffer.from('two'));
    await answer(0, SERVER);
    flows.fromProgram(CLIENT, Buffer.from('three'));
    flows.fromRelay(1, Buffer.from('back'));
    expect(asked).toHaveLength(1);
    expect(log).toEqual([
      '1 > 10.0.0.8:5000 one',
      '1 > 10.0.0.8:5000 two',
      '1 > 10.0.0.8:5000 three',
      '192.0.2.2:40000 < back',
    ]);
    expect(flows.counts).toEqual({ flows: 1, sent: 3, received: 1, dropped: 0 });
  });

  test('lead to the network for which theirs stands (--map)', async () => {
    const { flows, log, answer } = open();
    flows.fromProgram(CLIENT, Buffer.from('x'));
    await answer(0, at('10.201.0.1', 53));
    expect(log).toEqual(['1 > 10.1.0.1:53 x']);
  });

  test('are asked for again after 25 s of silence: the same source may be for another destination', async () => {
    const { flows, log, asked, answer, wait } = open();
    flows.fromProgram(CLIENT, Buffer.from('a'));
    await answer(0, SERVER);
    await wait(24_000);
    flows.fromProgram(CLIENT, Buffer.from('b'));
    await wait(26_000);
    flows.fromProgram(CLIENT, Buffer.from('c'));
    await answer(1, SERVER);
    await wait(26_000);
    flows.fromProgram(CLIENT, Buffer.from('d'));
    await answer(2, at('10.0.0.9', 6_000));
    expect(asked).toHaveLength(3);
    expect(log).toEqual([
      '1 > 10.0.0.8:5000 a',
      '1 > 10.0.0.8:5000 b',
      '1 > 10.0.0.8:5000 c',
      '1 end',
      '2 > 10.0.0.9:6000 d',
    ]);
    flows.fromRelay(1, Buffer.from('late'));
    expect(log.at(-1)).toBe('dropped of a flow that is over');
  });

  test('end after 120 s of silence, and with the last one the timer', async () => {
    const { flows, log, answer, wait } = open();
    expect(vi.getTimerCount()).toBe(0);
    flows.fromProgram(CLIENT, Buffer.from('a'));
    await answer(0, SERVER);
    expect(vi.getTimerCount()).toBe(1);
    await wait(90_000);
    flows.fromRelay(1, Buffer.from('still there'));
    await wait(90_000);
    expect(flows.counts.flows).toBe(1);
    await wait(60_000);
    expect(log.at(-1)).toBe('1 end');
    expect(flows.counts.flows).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('are 512 at most: the one that was silent for longest ends', async () => {
    const { flows, log, answer, wait } = open();
    for (let index = 0; index < 512; index += 1) {
      flows.fromProgram(at('192.0.2.2', 1_000 + index), Buffer.from('x'));
      await answer(index, SERVER);
    }
    await wait(1);
    flows.fromProgram(at('192.0.2.2', 1_000), Buffer.from('x'));
    flows.fromProgram(CLIENT, Buffer.from('x'));
    expect(log.at(-1)).toBe('2 end');
    expect(flows.counts.flows).toBe(512);
  });

  test('keep little while it is not known where they go, and nothing where nobody knows', async () => {
    const { flows, log, asked, wait } = open();
    for (let index = 0; index < 100; index += 1) flows.fromProgram(CLIENT, Buffer.from('x'));
    expect(flows.counts.dropped).toBe(36);
    asked[0]!.reject(new Error('the kernel knows of no redirect of it'));
    await wait(0);
    expect(log.at(-1)).toBe('dropped the kernel knows of no redirect of it');
    expect(flows.counts).toMatchObject({ flows: 0, sent: 0 });
  });

  test('pass nothing on that is larger than a frame: over IPv6 there are datagrams of 65,527 bytes', async () => {
    const { flows, log, asked } = open();
    flows.fromProgram(CLIENT, Buffer.alloc(65_508));
    expect([log, asked]).toEqual([['dropped larger than UDP carries over IPv4'], []]);
    expect(flows.counts).toMatchObject({ flows: 0, dropped: 1 });
  });

  test('are looked up 512 at once at most, with 4 MiB: else one program that floods makes us keep 2 GiB', async () => {
    const { flows, asked, answer } = open();
    const datagram = Buffer.alloc(60_000);
    for (let index = 0; index < 600; index += 1) {
      flows.fromProgram(at('192.0.2.2', 1_000 + index), datagram);
      flows.fromProgram(at('192.0.2.2', 1_000 + index), datagram);
    }
    expect(asked).toHaveLength(512);
    const kept = Math.floor((4 * 1024 * 1024) / datagram.length);
    expect(flows.counts).toEqual({ flows: 512, sent: 0, received: 0, dropped: 1_200 - kept });
    for (let index = 0; index < 512; index += 1) await answer(index, SERVER);
    expect(flows.counts.sent).toBe(kept);
    // There is room again.
    flows.fromProgram(CLIENT, datagram);
    await answer(512, SERVER);
    expect(flows.counts.sent).toBe(kept + 1);
  });

  test('queue nothing where the way is full', async () => {
    const { flows, answer, fill } = open();
    flows.fromProgram(CLIENT, Buffer.from('x'));
    await answer(0, SERVER);
    fill();
    flows.fromProgram(CLIENT, Buffer.from('x'));
    expect(flows.counts).toMatchObject({ sent: 1, dropped: 1 });
  });

  test('that were closed are over, whatever is answered later', async () => {
    const { flows, log, answer } = open();
    flows.fromProgram(CLIENT, Buffer.from('x'));
    flows.close();
    await answer(0, SERVER);
    expect(log).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
