import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';

// ssh2 1.17.0 computes in the group that a server chooses (RFC 4419) with `createDiffieHellman`, which tests the group's primes for
// primality first: 3 s for 3072 bits, a minute for 8192, in which this process does nothing else. OpenSSH tests nothing but the
// size. Keys of node:crypto are made without the test (native-notes/hostile-peers.md).

/** ssh2's key exchange, when the group is known. Not public; connection-internals.ts refuses any other version. */
export interface GroupExchange {
  readonly _prime: Buffer | null;
  readonly _generator: Buffer | null;
  _dh: GroupKeys | null | undefined;
  _public: Buffer | null;
  generateKeys(): void;
}

/** As much of `crypto.DiffieHellman` as ssh2 uses. */
interface GroupKeys {
  getPrime(): Buffer;
  getGenerator(): Buffer;
  computeSecret(theirs: Buffer): Buffer;
}

const [INTEGER, BIT_STRING, SEQUENCE] = [0x02, 0x03, 0x30];

/** More than any group has: they are 2 and 5. */
const MAX_GENERATOR_BYTES = 4;

/** The types of Node 20 leave this out. */
const generateKeysInGroup = generateKeyPairSync as unknown as (
  type: 'dh',
  group: { readonly prime: Buffer; readonly generator: number },
) => { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** Has a key exchange compute in the server's group without testing it. */
export function computeUntested(exchange: GroupExchange): void {
  exchange.generateKeys = () => {
    const { _prime: prime, _generator: generator } = exchange;
    if (exchange._dh != null || prime === null || generator === null) return;
    if (generator.length === 0 || generator.length > MAX_GENERATOR_BYTES)
      throw new Error('no generator of a group');
    const { publicKey, privateKey } = generateKeysInGroup('dh', {
      prime,
      generator: generator.readUIntBE(0, generator.length),
    });
    // SubjectPublicKeyInfo: the algorithm with its group, and the number.
    const [algorithm, number] = elementsOf(publicKey.export({ type: 'spki', format: 'der' })) as [
      Buffer,
      Buffer,
    ];
    exchange._public = contentOf(contentOf(number).subarray(1));
    exchange._dh = {
      getPrime: () => prime,
      getGenerator: () => generator,
      computeSecret: (theirs) => {
        const bits = Buffer.concat([Buffer.of(0), element(INTEGER, positive(theirs))]);
        const key = element(SEQUENCE, Buffer.concat([algorithm, element(BIT_STRING, bits)]));
        const theirKey = createPublicKey({ key, type: 'spki', format: 'der' });
        return diffieHellman({ privateKey, publicKey: theirKey });
      },
    };
  };
}

/** The elements of a DER element. */
function elementsOf(der: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  for (let rest = contentOf(der); rest.length > 0; ) {
    const { headerBytes, valueBytes } = headerOf(rest);
    elements.push(rest.subarray(0, headerBytes + valueBytes));
    rest = rest.subarray(headerBytes + valueBytes);
  }
  return elements;
}

function contentOf(der: Buffer): Buffer {
  const { headerBytes, valueBytes } = headerOf(der);
  return der.subarray(headerBytes, headerBytes + valueBytes);
}

function headerOf(der: Buffer): { readonly headerBytes: number; readonly valueBytes: number } {
  const first = der.readUInt8(1);
  if (first < 0x80) return { headerBytes: 2, valueBytes: first };
  const lengthBytes = first & 0x7f;
  return { headerBytes: 2 + lengthBytes, valueBytes: der.readUIntBE(2, lengthBytes) };
}

function element(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const header =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...header), value]);
}

/** As DER wants it: no zeros in front, but where the first bit would be a sign. */
function positive(value: Buffer): Buffer {
  const from = value.findIndex((byte) => byte !== 0);
  const digits = from < 0 ? Buffer.of(0) : value.subarray(from);
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
}
