import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../../../src/intercept/root/drivers/backend/rule-backend.ts';
import { endStranded, type SocketKernel } from '../../../../src/intercept/root/stranded.ts';
import { planRedirects } from '../../../../src/intercept/rules/plan.ts';
import { type Endpoint, makeEndpoint, sameEndpoint } from '../../../../src/net/address/endpoint.ts';
import type { TcpSocket } from '../../../../src/net/native/netlink/socket-diag.ts';
import { rule } from '../rules/rule.ts';

const LISTENER_PORT = 12_300;
const ESTABLISHED = 1;
const SYN_SENT = 2;
const TIME_WAIT = 6;
const CLOSE_WAIT = 8;
const CALLER = 1_000;
const OTHER_USER = 1_001;

const originator = makeEndpoint('192.0.2.5', 40_000)!;
const destination = makeEndpoint('10.0.0.8', 5_432)!;
const bastion = makeEndpoint('10.0.0.1', 22)!;
const plan = planRedirects({
  rules: [rule('10.0.0.0/8'), rule('fd00::/8')],
  listenerPort: LISTENER_PORT,
  families: [4, 6],
  exempt: [bastion],
});

/** A kernel with sockets, and one redirect that it remembers or has forgotten. */
class FakeKernel implements SocketKernel {
  readonly open: TcpSocket[] = [];
  readonly destroyed: TcpSocket[] = [];
  trackedPort: number | undefined;
  answer: 'destroyed' | 'gone' | 'unsupported' = 'destroyed';

  readonly sockets: SocketKernel['sockets'] = {
    find: (local, remote) =>
      this.open.find((one) => sameEndpoint(one.local, local) && sameEndpoint(one.remote, remote)),
    destroy: (socket) => {
      this.destroyed.push(socket);
      return this.answer;
    },
  };
  readonly tracker: SocketKernel['tracker'] = { redirectPort: () => this.trackedPort };

  add(local: Endpoint, remote: Endpoint, fields: Partial<TcpSocket> = {}): void {
    const cookie = Buffer.from([this.open.length]);
    this.open.push({ local, remote, state: ESTABLISHED, userId: CALLER, inode: 1, cookie, ...fields });
  }
}

function fateOf(
  kernel: FakeKernel,
  to = destination,
  callerId = CALLER,
  isRedirected = true,
): string | undefined {
  return endStranded([{ originator, destination: to }], plan, callerId, kernel, isRedirected)[0];
}

describe('endStranded', () => {
  it.each([ESTABLISHED, CLOSE_WAIT])('ends a socket in state %i whose other end is gone', (state) => {
    const kernel = new FakeKernel();
    kernel.trackedPort = LISTENER_PORT;
    kernel.add(originator, destination, { state });
    expect(fateOf(kernel)).toBe('ended');
    expect(kernel.destroyed).toEqual(kernel.open);
  });

  it('looks for the other end at the destination itself where nothing is redirected', () => {
    const joined = new FakeKernel();
    joined.add(originator, destination);
    joined.add(destination, originator);
    expect(fateOf(joined, destination, CALLER, false)).toBe('joined');
    const stranded = new FakeKernel();
    stranded.add(originator, destination);
    // Another tunnel's, or what happens to have the listener's address.
    stranded.add(makeEndpoint('127.0.0.1', LISTENER_PORT)!, originator);
    expect(fateOf(stranded, destination, CALLER, false)).toBe('ended');
  });

  it('never touches a connection whose other end is there, whoever asks', () => {
    for (const callerId of [0, CALLER]) {
      for (const state of [ESTABLISHED, TIME_WAIT]) {
        const kernel = new FakeKernel();
        kernel.trackedPort = LISTENER_PORT;
        kernel.add(originator, destination);
        kernel.add(makeEndpoint('127.0.0.1', LISTENER_PORT)!, originator, { state });
        expect(fateOf(kernel, destination, callerId)).toBe('joined');
        expect(kernel.destroyed).toEqual([]);
      }
    }
  });

  it('looks for the other end at the loopback address of the family', () => {
    const from = makeEndpoint('2001:db8::5', 40_000)!;
    const to = makeEndpoint('fd00::8', 5_432)!;
    const kernel = new FakeKernel();
    kernel.add(from, to);
    kernel.add(makeEndpoint('::1', LISTENER_PORT)!, from);
    expect(endStranded([{ originator: from, destination: to }], plan, 0, kernel)).toEqual(['joined']);
  });

  it.each([SYN_SENT, TIME_WAIT])('leaves alone what does not wait for data: state %i', (state) => {
    const kernel = new FakeKernel();
    kernel.trackedPort = LISTENER_PORT;
    kernel.add(originator, destination, { state });
    expect(fateOf(kernel)).toBe('told');
    expect(kernel.destroyed).toEqual([]);
  });

  it('says that the application knows where there is no such socket, or it has just gone', () => {
    const kernel = new FakeKernel();
    expect(fateOf(kernel)).toBe('told');
    kernel.trackedPort = LISTENER_PORT;
    kernel.answer = 'gone';
    kernel.add(originator, destination);
    expect(fateOf(kernel)).toBe('told');
  });

  it.each<[string, { userId: number; callerId: number; to?: Endpoint; trackedPort?: number }, string]>([
    [
      'tracked, of another user',
      { userId: OTHER_USER, callerId: CALLER, trackedPort: LISTENER_PORT },
      'ended',
    ],
    [
      'tracked, no longer captured after a reload',
      {
        userId: OTHER_USER,
        callerId: CALLER,
        to: makeEndpoint('172.16.0.1', 1)!,
        trackedPort: LISTENER_PORT,
      },
      'ended',
    ],
    ['forgotten, the caller himself', { userId: CALLER, callerId: CALLER }, 'ended'],
    ['forgotten, of another user, for root', { userId: OTHER_USER, callerId: 0 }, 'ended'],
    ['forgotten, of another user', { userId: OTHER_USER, callerId: CALLER }, 'not ours'],
    ['of root', { userId: 0, callerId: CALLER }, 'not ours'],
    [
      'redirected to somebody else, of another user',
      { userId: OTHER_USER, callerId: CALLER, trackedPort: 3_128 },
      'not ours',
    ],
    ['not captured', { userId: CALLER, callerId: 0, to: makeEndpoint('172.16.0.1', 1)! }, 'not ours'],
    ['exempt', { userId: CALLER, callerId: 0, to: bastion }, 'not ours'],
  ])('%s', (_name, { userId, callerId, to = destination, trackedPort }, fate) => {
    const kernel = new FakeKernel();
    kernel.trackedPort = trackedPort;
    kernel.add(originator, to, { userId });
    expect(fateOf(kernel, to, callerId)).toBe(fate);
    expect(kernel.destroyed).toHaveLength(fate === 'ended' ? 1 : 0);
  });

  it('says so where the kernel cannot, and refuses where it lets nobody look', () => {
    const kernel = new FakeKernel();
    kernel.answer = 'unsupported';
    kernel.add(originator, destination);
    expect(fateOf(kernel)).toBe('unsupported');
    const sockets: SocketKernel['sockets'] = {
      ...kernel.sockets,
      find: () => {
        throw new Error('sock_diag answered with errno 1');
      },
    };
    expect(() => endStranded([{ originator, destination }], plan, 0, { ...kernel, sockets })).toThrow(
      RefusedError,
    );
  });
});
