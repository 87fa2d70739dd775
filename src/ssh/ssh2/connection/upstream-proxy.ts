import { setImmediate as nextTurn } from 'node:timers/promises';
import { abortable } from '../../../core/abortable.ts';
import { messageOf, TshuttleError } from '../../../core/errors.ts';
import { printableLine } from '../../../core/printable.ts';
import { formatHostPort } from '../../../net/address/endpoint.ts';
import type { SshTarget, UpstreamProxy } from '../../ssh-target.ts';
import { nameTarget } from '../../ssh-target.ts';
import { type DialContext, type DialledSocket, dialHost } from './dial.ts';

/**
 * Connects to a bastion through a SOCKS5 proxy, which resolves the bastion's name.
 *
 * @returns with the proxy's address, since that is what was dialled
 * @throws TshuttleError ERR_BASTION_UNREACHABLE when the proxy cannot be reached, or does not connect; the signal's reason
 */
export async function dialThroughProxy(
  proxy: UpstreamProxy,
  target: SshTarget,
  context: DialContext,
): Promise<DialledSocket> {
  const { connectTimeoutMs, bindAddress } = target;
  const { host, port } = proxy;
  const dialled = await dialHost(
    { host, port, addressFamily: 'any', bindAddress, connectTimeoutMs },
    'upstream proxy',
    context,
  );
  const { socket } = dialled;
  const abort = (): void => void socket.destroy();
  context.signal.addEventListener('abort', abort, { once: true });
  const early: Buffer[] = [];
  const keep = (bytes: Buffer): void => void early.push(bytes);
  try {
    const { SocksClient } = await import('socks');
    const { login } = proxy;
    const opening = SocksClient.createConnection({
      proxy: {
        host,
        port,
        type: 5,
        ...(login === undefined ? {} : { userId: login.user, password: login.password.reveal() }),
      },
      command: 'connect',
      destination: { host: target.host, port: target.port },
      existing_socket: socket,
      timeout: connectTimeoutMs,
    });
    await abortable(opening, context.signal);
    // What came right behind the proxy's answer is emitted again in the next turn, for its listener.
    socket.on('data', keep);
    await nextTurn();
    socket.pause();
    if (early.length > 0) socket.unshift(Buffer.concat(early));
    context.signal.throwIfAborted();
    return dialled;
  } catch (error) {
    socket.destroy();
    context.signal.throwIfAborted();
    throw new TshuttleError(
      'ERR_BASTION_UNREACHABLE',
      `the upstream proxy ${formatHostPort(host, port)} does not connect to the ${nameTarget(target)}: ` +
        printableLine(messageOf(error)),
      { remedy: 'check the proxy, its user and password, and that it may connect there', cause: error },
    );
  } finally {
    socket.off('data', keep);
    context.signal.removeEventListener('abort', abort);
  }
}
