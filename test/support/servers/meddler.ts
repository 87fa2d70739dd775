import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What somebody in the middle does with the packets of a server, until its first keys are in use and beyond. */
export interface Meddling {
  /** Put in front of the packet of this type, without a cipher: an SSH_MSG_IGNORE. */
  readonly insertBefore?: number;
  /** How many packets behind the server's SSH_MSG_NEWKEYS, whose lengths AES-GCM leaves readable, are kept back. */
  readonly dropEncrypted?: number;
}

const SSH_MSG_NEWKEYS = 21;
const TAG_BYTES = 16;

/** SSH_MSG_IGNORE with an empty string, without a cipher: its length, that of its padding, the message, the padding. */
const IGNORE = Buffer.concat([
  Buffer.from('0000000c06', 'hex'),
  Buffer.from('0200000000', 'hex'),
  Buffer.alloc(6),
]);

/**
 * Stands between a client and a server, as in the Terrapin attack (CVE-2023-48795): it reads and changes what has no cipher yet,
 * and leaves out what has.
 */
export async function openMeddler(
  port: number,
  meddling: Meddling,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const server = connect({ host: '127.0.0.1', port });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    client.pipe(server);
    server.on(
      'data',
      meddle(meddling, (bytes) => client.write(bytes)),
    );
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function meddle({ insertBefore, dropEncrypted = 0 }: Meddling, write: (bytes: Buffer) => void) {
  let rest = Buffer.alloc(0);
  let stage: 'version' | 'plain' | 'encrypted' = 'version';
  let left = dropEncrypted;
  return (bytes: Buffer): void => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const end = endOfNext(rest, stage);
      if (end === undefined) return;
      const packet = rest.subarray(0, end);
      rest = rest.subarray(end);
      if (stage === 'plain' && packet[5] === insertBefore) write(IGNORE);
      if (stage === 'encrypted' && left > 0) left -= 1;
      else write(packet);
      if (stage === 'version') stage = 'plain';
      else if (stage === 'plain' && packet[5] === SSH_MSG_NEWKEYS) stage = 'encrypted';
    }
  };
}

/** Where the line, or the packet, that begins here is over; undefined before it is there. */
function endOfNext(bytes: Buffer, stage: 'version' | 'plain' | 'encrypted'): number | undefined {
  if (stage === 'version') {
    const end = bytes.indexOf('\n') + 1;
    return end === 0 ? undefined : end;
  }
  if (bytes.length < 4) return undefined;
  const end = 4 + bytes.readUInt32BE(0) + (stage === 'encrypted' ? TAG_BYTES : 0);
  return end > bytes.length ? undefined : end;
}
