import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { PublicKey } from '../../../src/ssh/keys/public-key.ts';
import { encodeString, encodeUint32, WireReader } from '../../../src/ssh/keys/wire.ts';

/** What a security key does, in software: the private half never leaves it, and each signature counts. */
export interface SecurityKey {
  readonly publicKey: PublicKey;
  /** `TYPE BASE64 COMMENT`. */
  readonly line: string;
  /** Whether somebody touches it. */
  isTouched: boolean;
  signatures: number;
  sign(data: Buffer): Buffer;
}

const APPLICATION = 'ssh:';
const USER_PRESENT = 0x01;

/** Makes a key of one of the two types that OpenSSH knows (PROTOCOL.u2f). */
export function makeSecurityKey(kind: 'ed25519' | 'ecdsa'): SecurityKey {
  const { type, parts, privateKey } = kind === 'ed25519' ? makeEd25519() : makeEcdsa();
  const blob = Buffer.concat([type, ...parts, APPLICATION].map(encodeString));
  const key: SecurityKey = {
    publicKey: { type, blob },
    line: `${type} ${blob.toString('base64')} simulated-${kind}`,
    isTouched: true,
    signatures: 0,
    sign: (data) => {
      key.signatures += 1;
      const flagsAndCounter = Buffer.concat([
        Buffer.of(key.isTouched ? USER_PRESENT : 0),
        encodeUint32(key.signatures),
      ]);
      const signed = Buffer.concat([sha256(APPLICATION), flagsAndCounter, sha256(data)]);
      const value =
        kind === 'ed25519'
          ? sign(null, signed, privateKey)
          : twoNumbers(sign('sha256', signed, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
      return Buffer.concat([encodeString(type), encodeString(value), flagsAndCounter]);
    },
  };
  return key;
}

function makeEd25519(): { type: string; parts: Array<string | Buffer>; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const point = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url');
  return { type: 'sk-ssh-ed25519@openssh.com', parts: [point], privateKey };
}

function makeEcdsa(): { type: string; parts: Array<string | Buffer>; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const numbers = [x, y].map((number) => Buffer.from(String(number), 'base64url'));
  const point = Buffer.concat([Buffer.of(4), ...numbers]);
  return { type: 'sk-ecdsa-sha2-nistp256@openssh.com', parts: ['nistp256', point], privateKey };
}

/** `mpint r, mpint s`. */
function twoNumbers(value: Buffer): Buffer {
  const numbers = [value.subarray(0, 32), value.subarray(32)].map((number) => {
    const start = number.findIndex((byte) => byte !== 0);
    const bare = number.subarray(start);
    return (bare[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bare]) : bare;
  });
  return Buffer.concat(numbers.map(encodeString));
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

/** What an agent holds: a key, or a certificate over it, in the order in which they are listed. */
export interface HeldBySecurityKey {
  readonly blob: Buffer;
  readonly key: SecurityKey;
}

/** An ssh-agent that holds keys of security keys; disposing of it ends it. */
export async function startSecurityKeyAgent(
  socketPath: string,
  held: readonly HeldBySecurityKey[],
): Promise<AsyncDisposable> {
  const list = (): Buffer =>
    Buffer.concat([
      Buffer.of(12),
      encodeUint32(held.length),
      ...held.flatMap(({ blob }) => [encodeString(blob), encodeString('simulated')]),
    ]);
  const answer = (request: Buffer): Buffer => {
    const reader = new WireReader(request.subarray(4));
    if (reader.byte() === 11) return list();
    const blob = reader.string();
    const data = reader.string();
    const found = held.find((one) => blob !== undefined && one.blob.equals(blob));
    if (found === undefined || data === undefined) return Buffer.of(5);
    return Buffer.concat([Buffer.of(14), encodeString(found.key.sign(Buffer.from(data)))]);
  };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => socket.write(encodeString(answer(request))));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
