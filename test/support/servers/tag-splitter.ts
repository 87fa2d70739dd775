import { connect, createServer, type Socket } from 'node:net';

const TAG_BYTES = 16;
const NEW_KEYS = 21;

/**
 * A proxy before an ssh server that uses AES-GCM: what the server sends arrives in reads that each end with the tag of one
 * packet and all of the next packet but its tag. The lengths of AES-GCM packets are not encrypted (RFC 5647 section 7.2).
 */
export async function openTagSplitter(
  port: number,
): Promise<{ readonly port: number; [Symbol.asyncDispose](): Promise<void> }> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  const proxy = createServer((client) => {
    keep(client);
    const server = keep(connect({ host: '127.0.0.1', port }));
    client.pipe(server);
    void passSplit(server, client).catch(() => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    port: (proxy.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function passSplit(from: Socket, to: Socket): Promise<void> {
  let waiting = Buffer.alloc(0);
  let isIdentified = false;
  let isEncrypted = false;
  for await (const bytes of from as AsyncIterable<Buffer>) {
    waiting = Buffer.concat([waiting, bytes]);
    if (!isIdentified) {
      const end = waiting.indexOf('\n') + 1;
      if (end === 0) continue;
      isIdentified = true;
      to.write(waiting.subarray(0, end));
      waiting = waiting.subarray(end);
    }
    while (waiting.length >= 6) {
      const untaggedBytes = 4 + waiting.readUInt32BE(0);
      const packetBytes = untaggedBytes + (isEncrypted ? TAG_BYTES : 0);
      if (waiting.length < packetBytes) break;
      to.write(waiting.subarray(0, untaggedBytes));
      // So that the reader gets the tag in another read.
      await new Promise(setImmediate);
      await new Promise(setImmediate);
      to.write(waiting.subarray(untaggedBytes, packetBytes));
      if (!isEncrypted && waiting[5] === NEW_KEYS) isEncrypted = true;
      waiting = waiting.subarray(packetBytes);
    }
  }
  to.end();
}
