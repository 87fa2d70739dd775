import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { ml_kem768 as mlKem } from '@noble/post-quantum/ml-kem';
import { offerOwn, type ReadKexInit } from '../../../src/ssh/ssh2/internals/key-exchange-internals.ts';
import type { KeyExchange } from '../../../src/ssh/ssh2/internals/key-exchange-shape.ts';
import { HYBRID_METHOD } from '../../../src/ssh/ssh2/key-exchange/hybrid.ts';

const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const ML_KEM_PUBLIC_BYTES = 1184;

interface PacketReader {
  read(packet: Buffer): Buffer;
}

/**
 * Has a connection of an ssh2 server offer these methods, the hybrid among them, whatever ssh2 has of them. To be called as soon as the
 * connection is there.
 */
export function serveKeyExchanges(connection: object, keyExchange: readonly string[]): void {
  const methods = new Map([[HYBRID_METHOD, answerHybrid]]);
  readBy(connection, offerOwn(connection, { keyExchange, methods }));
}

/** The server's side, by the library alone. */
function answerHybrid(exchange: KeyExchange): void {
  let reply: Buffer | undefined;
  exchange.hashName = 'sha256';
  exchange.generateKeys = () => {};
  exchange.convertPublicKey = (theirs) => theirs;
  exchange.getPublicKey = () => reply ?? Buffer.alloc(0);
  exchange.computeSecret = (theirs) => {
    const { cipherText, sharedSecret } = mlKem.encapsulate(theirs.subarray(0, ML_KEM_PUBLIC_BYTES));
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    const own = publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
    const theirKey = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, theirs.subarray(ML_KEM_PUBLIC_BYTES)]),
      format: 'der',
      type: 'spki',
    });
    reply = Buffer.concat([cipherText, own]);
    return createHash('sha256')
      .update(sharedSecret)
      .update(diffieHellman({ privateKey, publicKey: theirKey }))
      .digest();
  };
}

/** As the message guard does for a client. */
function readBy(connection: object, readKexInit: ReadKexInit): void {
  const { _packetRW: packets } = Reflect.get(connection, '_protocol') as {
    readonly _packetRW: { read: PacketReader };
  };
  const guarded = (reader: PacketReader): PacketReader => {
    const { read } = reader;
    reader.read = (packet) => {
      const payload = read.call(reader, packet);
      return payload[0] === 20 ? readKexInit(payload) : payload;
    };
    return reader;
  };
  let current = guarded(packets.read);
  Object.defineProperty(packets, 'read', {
    enumerable: true,
    get: () => current,
    set: (reader: PacketReader) => {
      current = guarded(reader);
    },
  });
}
