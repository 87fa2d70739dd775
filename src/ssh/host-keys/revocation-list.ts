import { createHash } from 'node:crypto';
import type { Certificate } from '../keys/certificate.ts';
import type { PublicKey } from '../keys/public-key.ts';
import { WireReader } from '../keys/wire.ts';

/** A key revocation list of OpenSSH (PROTOCOL.krl), as `ssh-keygen -k` makes it. */
export interface RevocationList {
  /** Blobs, and hashes of blobs, in hexadecimal. */
  readonly keys: ReadonlySet<string>;
  readonly sha1: ReadonlySet<string>;
  readonly sha256: ReadonlySet<string>;
  readonly certificates: readonly RevokedCertificates[];
}

/** Certificates revoked by one authority, or by any where `authority` is empty. */
interface RevokedCertificates {
  readonly authority: Buffer;
  readonly serials: ReadonlySet<bigint>;
  readonly ranges: readonly SerialRange[];
  readonly bitmaps: readonly SerialBitmap[];
  readonly keyIds: ReadonlySet<string>;
}

/** Both ends belong to it. */
interface SerialRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** Bit n, counted from the last byte's lowest, stands for the serial `offset + n`. */
interface SerialBitmap {
  readonly offset: bigint;
  readonly bits: Buffer;
}

const MAGIC = Buffer.from('SSHKRL\n\0', 'latin1');
const FORMAT_VERSION = 1;
const SECTION = { certificates: 1, keys: 2, sha1: 3, signature: 4, sha256: 5, extension: 255 } as const;
const CERTIFICATE_SECTION = {
  serials: 0x20,
  range: 0x21,
  bitmap: 0x22,
  keyIds: 0x23,
  extension: 0x39,
} as const;

/** Whether data begins like a revocation list; anything else in its place is a list of keys in text. */
export function isRevocationList(data: Buffer): boolean {
  return data.subarray(0, MAGIC.length).equals(MAGIC);
}

/**
 * Parses a revocation list. Its signatures are not checked: they are for lists that come over a network, and OpenSSH has
 * given them up.
 *
 * @throws Error when it is cut off, or has a part that must be understood and is not: it might revoke the key in question.
 */
export function parseRevocationList(data: Buffer): RevocationList {
  const reader = new WireReader(data);
  reader.bytes(MAGIC.length);
  const version = needed(reader.uint32());
  if (version !== FORMAT_VERSION) throw new Error(`it has format ${version}, not ${FORMAT_VERSION}`);
  for (let field = 0; field < 3; field += 1) needed(reader.uint64()); // its version, its date, flags
  for (let field = 0; field < 2; field += 1) needed(reader.string()); // reserved, a comment
  const list = {
    keys: new Set<string>(),
    sha1: new Set<string>(),
    sha256: new Set<string>(),
    certificates: [] as RevokedCertificates[],
  };
  while (!reader.isAtEnd) {
    const type = needed(reader.byte());
    const section = needed(reader.string());
    switch (type) {
      case SECTION.certificates:
        list.certificates.push(parseCertificates(section));
        break;
      case SECTION.keys:
        addStrings(list.keys, section);
        break;
      case SECTION.sha1:
        addStrings(list.sha1, section, 20);
        break;
      case SECTION.sha256:
        addStrings(list.sha256, section, 32);
        break;
      case SECTION.signature:
        needed(reader.string()); // behind its key, which was the section
        break;
      case SECTION.extension:
        refuseCritical(section);
        break;
      default:
        throw new Error(`it has a section of the unknown type ${type}`);
    }
  }
  return list;
}

function parseCertificates(section: Buffer): RevokedCertificates {
  const reader = new WireReader(section);
  const authority = needed(reader.string());
  needed(reader.string()); // reserved
  const found = {
    authority,
    serials: new Set<bigint>(),
    ranges: [] as SerialRange[],
    bitmaps: [] as SerialBitmap[],
    keyIds: new Set<string>(),
  };
  while (!reader.isAtEnd) {
    const type = needed(reader.byte());
    const content = needed(reader.string());
    const fields = new WireReader(content);
    switch (type) {
      case CERTIFICATE_SECTION.serials:
        while (!fields.isAtEnd) found.serials.add(needed(fields.uint64()));
        break;
      case CERTIFICATE_SECTION.range:
        found.ranges.push(parseRange(fields));
        break;
      case CERTIFICATE_SECTION.bitmap:
        found.bitmaps.push({ offset: needed(fields.uint64()), bits: needed(fields.string()) });
        break;
      case CERTIFICATE_SECTION.keyIds:
        while (!fields.isAtEnd) found.keyIds.add(needed(fields.string()).toString('utf8'));
        break;
      case CERTIFICATE_SECTION.extension:
        refuseCritical(content);
        continue;
      default:
        throw new Error(`it has a section about certificates of the unknown type ${type}`);
    }
    if (!fields.isAtEnd) throw new Error('a section about certificates has more in it than it should');
  }
  return found;
}

function parseRange(fields: WireReader): SerialRange {
  const range = { first: needed(fields.uint64()), last: needed(fields.uint64()) };
  if (range.first > range.last) throw new Error('it has a range of serials that ends before it begins');
  return range;
}

function addStrings(set: Set<string>, section: Buffer, length?: number): void {
  const reader = new WireReader(section);
  while (!reader.isAtEnd) {
    const value = needed(reader.string());
    if (length !== undefined && value.length !== length) throw new Error('it has a hash of a wrong length');
    set.add(value.toString('hex'));
  }
}

/** `string name, boolean critical, string content`, since OpenSSH 9.4. */
function refuseCritical(extension: Buffer): void {
  const reader = new WireReader(extension);
  const name = needed(reader.string()).toString('latin1');
  if (needed(reader.byte()) !== 0)
    throw new Error(`it has the critical extension ${name}, which is not known`);
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is cut off');
  return value;
}

/**
 * Whether a list revokes a key, alone or as the key of a certificate; then also the certificate, or its authority.
 *
 * @param key without its certificate
 */
export function isRevokedBy(
  list: RevocationList,
  key: PublicKey,
  certificate: Certificate | undefined,
): boolean {
  if (isKeyRevoked(list, key)) return true;
  if (certificate === undefined) return false;
  if (isKeyRevoked(list, certificate.authorityKey)) return true;
  return list.certificates
    .filter(({ authority }) => authority.length === 0 || authority.equals(certificate.authorityKey.blob))
    .some((revoked) => isCertificateRevoked(revoked, certificate));
}

function isKeyRevoked(list: RevocationList, { blob }: PublicKey): boolean {
  const hash = (algorithm: string): string => createHash(algorithm).update(blob).digest('hex');
  return (
    list.keys.has(blob.toString('hex')) || list.sha1.has(hash('sha1')) || list.sha256.has(hash('sha256'))
  );
}

function isCertificateRevoked(revoked: RevokedCertificates, { keyId, serial }: Certificate): boolean {
  if (revoked.keyIds.has(keyId)) return true;
  // 0 is what an authority writes that does not count.
  if (serial === 0n) return false;
  return (
    revoked.serials.has(serial) ||
    revoked.ranges.some(({ first, last }) => first <= serial && serial <= last) ||
    revoked.bitmaps.some((bitmap) => hasBit(bitmap, serial - bitmap.offset))
  );
}

function hasBit({ bits }: SerialBitmap, index: bigint): boolean {
  if (index < 0n || index >= BigInt(bits.length) * 8n) return false;
  const byte = bits[bits.length - 1 - Number(index / 8n)] ?? 0;
  return ((byte >> Number(index % 8n)) & 1) === 1;
}
