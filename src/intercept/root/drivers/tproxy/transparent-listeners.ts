import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { messageOf } from '../../../../core/errors.ts';
import { peerCredentials } from '../../../../net/native/peer.ts';
import { listeningSocketOf, withProcess } from '../../../../net/native/transparent/foreign-listener.ts';
import { setTransparent } from '../../../../net/native/transparent/transparent.ts';
import { CALLER_ID, isProcessOf } from '../../caller.ts';
import { RefusedError } from '../backend/rule-backend.ts';

/**
 * Makes the listeners of our client transparent, which takes a capability that it does not have. They stay its own.
 *
 * Who the client is the kernel says: whoever made the socket that our standard input is. Nothing but listening TCP sockets is touched.
 *
 * @param descriptors of the client, one for each family
 * @returns the one port at which they listen
 * @throws RefusedError
 */
export function makeTransparent(descriptors: readonly number[]): number {
  const client = clientId();
  try {
    const ports = withProcess(client, (held) => {
      // Its number may be another process's by now.
      if (!isProcessOf(CALLER_ID, readFileSync(`/proc/${client}/status`, 'utf8'))) throw notTheCaller();
      return descriptors.map((descriptor) => held.withDescriptor(descriptor, makeOneTransparent));
    });
    const [port] = ports;
    if (port === undefined || ports.some((other) => other !== port))
      throw new Error('the listeners have more than one port');
    return port;
  } catch (error) {
    throw new RefusedError(`the listeners cannot be made transparent: ${messageOf(error)}`);
  }
}

function makeOneTransparent(copy: number): number {
  const listening = listeningSocketOf(copy);
  if (listening === undefined) throw new Error('a descriptor is none of a listening TCP socket');
  if (!setTransparent(copy, listening.family)) throw new Error('the system refuses IP_TRANSPARENT');
  return listening.port;
}

/** @throws RefusedError */
function clientId(): number {
  const peer = peerCredentials(process.stdin as unknown as Socket);
  if (peer?.pid === undefined)
    throw new RefusedError(
      'the helper cannot tell whose listeners are meant: sudo stands between (log_input in sudoers)',
    );
  if (peer.userId !== CALLER_ID) throw notTheCaller();
  return peer.pid;
}

function notTheCaller(): RefusedError {
  return new RefusedError('whoever started the helper is not the one on whose behalf it runs');
}
