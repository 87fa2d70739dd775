import { connect, type Socket } from 'node:net';
import { messageOf, systemCodeOf } from '../../core/errors.ts';
import { descriptorBudget } from './descriptor-budget.ts';

/** How long one of several addresses may take, and the last, in ms. */
const ATTEMPT_TIMEOUT_MS = 5_000;
const LAST_TIMEOUT_MS = 60_000;

/** What {@link dialDirectly} says where it is this process that lacks something. */
export const OUT_OF_DESCRIPTORS = 'this process has no file descriptor left';

/** strerror(3) for what a connection usually fails with. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EADDRNOTAVAIL: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  EMFILE: OUT_OF_DESCRIPTORS,
};

/**
 * Connects from this machine to the first of the addresses that lets us.
 *
 * @returns the socket, half-open capable and with an error listener, or in words why there is none
 */
export async function dialDirectly(addresses: readonly string[], port: number): Promise<Socket | string> {
  let why = 'no address';
  for (const [index, host] of addresses.entries()) {
    const timeoutMs = index === addresses.length - 1 ? LAST_TIMEOUT_MS : ATTEMPT_TIMEOUT_MS;
    try {
      return await dial(host, port, timeoutMs);
    } catch (error) {
      why = WORDS[systemCodeOf(error) ?? ''] ?? messageOf(error);
    }
  }
  return why;
}

function dial(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      if (descriptorBudget().isBeyond(socket, 'flow')) {
        socket.destroy(Object.assign(new Error('beyond the budget'), { code: 'EMFILE' }));
      } else resolve(socket);
    });
  });
}
