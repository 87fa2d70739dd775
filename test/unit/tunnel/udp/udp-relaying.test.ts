import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import type { ProgramListener } from '../../../../src/ssh/transport.ts';
import { UdpRelaying } from '../../../../src/tunnel/udp/udp-relaying.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const SOURCE = makeEndpoint('192.0.2.2', 40_000)!;
const turn = () => vi.advanceTimersByTimeAsync(1);

/** One program that was started on the bastion. */
interface Program {
  readonly listener: ProgramListener;
  isClosed: boolean;
}

type Context = Parameters<typeof UdpRelaying.open>[0];

function surroundings() {
  const programs: Program[] = [];
  const connect = () => ({
    start: (_command: string, listener: ProgramListener) => {
      const program: Program = { listener, isClosed: false };
      programs.push(program);
      return {
        write: () => {},
        send: () => true,
        close: () => {
          program.isClosed = true;
        },
      };
    },
  });
  let onChange = (): void => {};
  let onDatagram = (_datagram: Buffer): void => {};
  const life = {
    current: connect() as ReturnType<typeof connect> | undefined,
    onChange: (listener: () => void) => {
      onChange = listener;
      return () => {};
    },
  };
  const ingress = {
    datagrams: async (take: (source: typeof SOURCE, datagram: Buffer) => void) => {
      onDatagram = (datagram) => take(SOURCE, datagram);
      return { destinationOf: async () => makeEndpoint('10.0.0.8', 53)!, reply: () => {}, close: () => {} };
    },
  };
  const [logger, abort] = [recordingLogger(), new AbortController()];
  const context = { ingress, life, logger, signal: abort.signal, maps: [], namespace: undefined };
  return {
    ...{ programs, logger, abort, life },
    opening: () => UdpRelaying.open(context as unknown as Context),
    getReady: (program: Program) => {
      program.listener.said(Buffer.from('tshuttle-udp found perl\n'));
      program.listener.said(Buffer.from('tshuttle-udp ready\n'));
    },
    connectTo: (to: ReturnType<typeof connect> | undefined) => {
      life.current = to;
      onChange();
    },
    connect,
    send: async () => {
      onDatagram(Buffer.from('x'));
      await turn();
    },
  };
}

async function openReady() {
  const all = surroundings();
  const opening = all.opening();
  await turn();
  all.getReady(all.programs[0]!);
  return { ...all, relaying: await opening };
}

it('tells, once and as long as it is so, that the relay has ended under a connection that stands', async () => {
  const { relaying, programs, logger, send, getReady } = await openReady();
  expect(relaying.problems).toEqual([]);
  const before = logger.lines.length;
  programs[0]!.listener.over(undefined);
  await turn();
  const [problem] = relaying.problems;
  expect(problem).toMatchObject({ cause: 'udp-relay', what: expect.stringMatching(/: it has ended$/) });
  expect(logger.lines.slice(before)).toEqual([`warn ${problem!.what} -> ${problem!.remedy}`]);
  await send();
  expect(programs, 'not more often than every 10 s').toHaveLength(1);
  await vi.advanceTimersByTimeAsync(10_001);
  await send();
  expect(programs).toHaveLength(2);
  expect(relaying.problems, 'it is not ready yet').toHaveLength(1);
  getReady(programs[1]!);
  expect(relaying.problems).toEqual([]);
  relaying.close();
});

it('is tried again by doctor', async () => {
  const { relaying, programs, logger, getReady } = await openReady();
  await relaying.tryAgain();
  expect(programs).toHaveLength(1);
  programs[0]!.listener.over(undefined);
  await turn();
  const failing = relaying.tryAgain();
  programs[1]!.listener.over(undefined);
  await turn();
  await failing;
  expect(relaying.problems).toMatchObject([{ what: expect.stringContaining('ForceCommand') }]);
  const trying = relaying.tryAgain();
  getReady(programs[2]!);
  await trying;
  expect(relaying.problems).toEqual([]);
  expect(logger.lines.filter((line) => line.startsWith('warn'))).toHaveLength(2);
  relaying.close();
});

it('says nothing of a relay that ends with its connection, nor of one that another takes the place of', async () => {
  const { relaying, programs, logger, life, connectTo, connect, getReady } = await openReady();
  programs[0]!.listener.over('the connection ended');
  connectTo(undefined);
  await turn();
  expect([relaying.problems, programs]).toEqual([[], [expect.anything()]]);
  connectTo(connect());
  expect(programs).toHaveLength(2);
  // Back at an earlier bastion, before it is ready.
  connectTo(connect());
  await turn();
  expect(programs.map(({ isClosed }) => isClosed)).toEqual([true, true, false]);
  getReady(programs[2]!);
  expect(relaying.problems).toEqual([]);
  expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  // The next one is of another kind.
  life.current = undefined;
  connectTo({} as ReturnType<typeof connect>);
  await turn();
  expect(relaying.problems).toMatchObject([{ what: expect.stringContaining('--transport ssh2') }]);
  relaying.close();
});

it('ends its opening at once when that is aborted', async () => {
  const { opening, abort, programs } = surroundings();
  const opened = opening();
  await turn();
  abort.abort(new Error('Ctrl-C'));
  await Promise.all([expect(opened).rejects.toThrow('Ctrl-C'), turn()]);
  expect(programs[0]!.isClosed).toBe(true);
});
