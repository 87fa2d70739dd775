import type { Socket } from 'node:net';
import type { Client } from 'ssh2';
import type { RekeyLimit } from '../../ssh-target.ts';
import { socketQueue } from '../internals/connection-internals.ts';
import { beginKeyExchange } from '../internals/key-exchange-internals.ts';

/**
 * Exchanges keys again when a limit of ours is reached, for as long as the connection lives; the bastion's own limits are its own business.
 *
 * Bytes are counted where something arrives: whoever sends without end is granted windows. Without limits nothing is counted, and no timer runs.
 */
export function keepRekeyLimit(client: Client, socket: Socket, { bytes, intervalMs }: RekeyLimit): void {
  const moved = (): number => socket.bytesRead + socketQueue(socket).takenBytes;
  let movedAtStart = moved();
  let timer: NodeJS.Timeout | undefined;
  const startOver = (): void => {
    movedAtStart = moved();
    clearTimeout(timer);
    if (intervalMs === undefined) return;
    timer = setTimeout(() => beginKeyExchange(client), intervalMs);
    timer.unref();
  };
  client.on('handshake', startOver);
  socket.once('close', () => clearTimeout(timer));
  startOver();
  if (bytes === undefined) return;
  socket.on('data', () => {
    if (moved() - movedAtStart >= bytes) beginKeyExchange(client);
  });
}
