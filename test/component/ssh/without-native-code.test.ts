import '../../support/without-native-code.ts';
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Endpoint } from '../../../src/net/endpoint.ts';
import { openSocketPair, readToEnd } from '../../support/socket-pair.ts';
import { until } from '../../support/until.ts';

// What an installation without ssh2's native code does: npm does not run its script, or it cannot be compiled.

const { attachChannelWire } = await import('../../../src/ssh/ssh2/channel-internals.ts');
const { ChannelMux } = await import('../../../src/ssh/ssh2/channel-mux.ts');
const { openDestination, openSsh2Pair } = await import('../../support/ssh2-pair.ts');

const ORIGINATOR: Endpoint = { family: 4, address: '127.0.0.1', port: 40_000 };
const BYTES = 8 * 1024 * 1024;

interface Protocol {
  readonly _cipher: object;
  readonly _decipher: object;
  rekey(): void;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test.each(['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'] as const)(
  '8 MiB up, half-close, 8 MiB down, byte-exact, through several key exchanges, with %s',
  async (algorithm) => {
    await using pair = await openSsh2Pair(undefined, algorithm);
    const { _protocol: protocol } = pair.client as unknown as { readonly _protocol: Protocol };
    const [up, down] = [randomBytes(BYTES), randomBytes(BYTES)];
    let received: Buffer | undefined;
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => {
        received = bytes;
        socket.end(down);
      });
    });
    await using application = await openSocketPair();
    const mux = new ChannelMux((events) => attachChannelWire(pair.client, pair.socket, events));
    const to = { host: '127.0.0.1', port: destination.port };
    const summary = mux.carry(application.accepted, to, ORIGINATOR);
    const ciphers = new Set([protocol._cipher]);

    application.application.end(up);
    let receivedDown = 0;
    application.application.on('data', (bytes: Buffer) => {
      ciphers.add(protocol._cipher);
      if (receivedDown >> 20 !== (receivedDown + bytes.length) >> 20) protocol.rekey();
      receivedDown += bytes.length;
    });
    const answer = await readToEnd(application.application);
    expect(sha256(received ?? Buffer.alloc(0))).toBe(sha256(up));
    expect(sha256(answer)).toBe(sha256(down));
    expect(await summary).toEqual({ end: { kind: 'eof' }, bytesUp: BYTES, bytesDown: BYTES });
    await until(() => mux.size === 0, { deadlineMs: 2_000, what: 'the channel id is free' });

    expect(ciphers.size).toBeGreaterThan(1);
    const isGcm = algorithm !== 'chacha20-poly1305@openssh.com';
    for (const cipher of ciphers) {
      expect(cipher.constructor.name).toBe(isGcm ? 'AESGCMCipherNative' : 'ChaChaPolyCipherNative');
      // Replaced in every one that carried something of ours.
      expect(Object.hasOwn(cipher, 'encrypt')).toBe(isGcm);
    }
  },
);
