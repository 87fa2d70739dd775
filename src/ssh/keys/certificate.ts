import { type PublicKey, publicKeyFromBlob } from './public-key.ts';
import { encodeString, WireReader } from './wire.ts';

/** A certificate over a public key, as OpenSSH makes them (PROTOCOL.certkeys). Nothing in it has been checked yet. */
export interface Certificate {
  /** The certificate itself, in the form in which it travels as a key. */
  readonly key: PublicKey;
  /** The key that it certifies, without the certificate. */
  readonly certifiedKey: PublicKey;
  readonly serial: bigint;
  readonly kind: 'user' | 'host';
  readonly keyId: string;
  /** Empty: for any name. */
  readonly principals: readonly string[];
  /** In seconds since 1970: valid from here on, */
  readonly validAfterS: bigint;
  /** and up to, not including, here; {@link FOREVER_S} where it never ends. */
  readonly validBeforeS: bigint;
  readonly criticalOptions: readonly CertificateOption[];
  readonly extensions: readonly CertificateOption[];
  /** The key of the certificate authority. */
  readonly authorityKey: PublicKey;
  /** By the authority's key, over {@link Certificate.signedData}. */
  readonly signature: Buffer;
  readonly signedData: Buffer;
}

/** A critical option or an extension; `data` is encoded as its name wants it. */
interface CertificateOption {
  readonly name: string;
  readonly data: Buffer;
}

/** {@link Certificate.validBeforeS} of a certificate without an end. */
export const FOREVER_S = 0xffff_ffff_ffff_ffffn;

const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';
/** SSHKEY_CERT_MAX_PRINCIPALS of OpenSSH's sshkey.h. */
const MAX_PRINCIPALS = 256;

/** How many fields make up the key of each type; all of them are `string` or `mpint`, which look alike on the wire. */
const KEY_FIELDS: Readonly<Record<string, { readonly plainType: string; readonly count: number }>> = {
  'ssh-ed25519-cert-v01@openssh.com': { plainType: 'ssh-ed25519', count: 1 },
  'ecdsa-sha2-nistp256-cert-v01@openssh.com': { plainType: 'ecdsa-sha2-nistp256', count: 2 },
  'ecdsa-sha2-nistp384-cert-v01@openssh.com': { plainType: 'ecdsa-sha2-nistp384', count: 2 },
  'ecdsa-sha2-nistp521-cert-v01@openssh.com': { plainType: 'ecdsa-sha2-nistp521', count: 2 },
  'ssh-rsa-cert-v01@openssh.com': { plainType: 'ssh-rsa', count: 2 },
  'ssh-dss-cert-v01@openssh.com': { plainType: 'ssh-dss', count: 4 },
  'sk-ssh-ed25519-cert-v01@openssh.com': { plainType: 'sk-ssh-ed25519@openssh.com', count: 2 },
  'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com': {
    plainType: 'sk-ecdsa-sha2-nistp256@openssh.com',
    count: 3,
  },
};

/** Whether a key type, or a signature algorithm, is that of a certificate. */
export function isCertificateType(type: string): boolean {
  return type.endsWith(CERTIFICATE_SUFFIX);
}

/**
 * What a signature algorithm, or a key type, is called with a certificate: `rsa-sha2-512-cert-v01@openssh.com`.
 *
 * The vendor stands behind the whole name of a security key's, too.
 */
export function certificateAlgorithm(algorithm: string): string {
  const vendor = '@openssh.com';
  const name = algorithm.endsWith(vendor) ? algorithm.slice(0, -vendor.length) : algorithm;
  return `${name}${CERTIFICATE_SUFFIX}`;
}

/**
 * Parses a certificate.
 *
 * @param blob what follows the type in a `-cert.pub` file, or an identity of an agent; copied
 * @returns undefined when it is none, or not as OpenSSH would accept it.
 */
export function parseCertificate(blob: Buffer): Certificate | undefined {
  const copy = Buffer.from(blob);
  const key = publicKeyFromBlob(copy);
  const layout = key !== undefined && Object.hasOwn(KEY_FIELDS, key.type) ? KEY_FIELDS[key.type] : undefined;
  if (key === undefined || layout === undefined) return undefined;
  const reader = new WireReader(copy);
  reader.string(); // the type
  reader.string(); // the nonce, which makes two certificates over the same facts differ
  const fields = Array.from({ length: layout.count }, () => reader.string());
  const serial = reader.uint64();
  const kind = kindOf(reader.uint32());
  const keyId = textOf(reader.string());
  const principals = parsePrincipals(reader.string());
  const validAfterS = reader.uint64();
  const validBeforeS = reader.uint64();
  const criticalOptions = parseOptions(reader.string());
  const extensions = parseOptions(reader.string());
  reader.string(); // reserved
  const authorityBlob = reader.string();
  const signedLength = reader.offset;
  const signature = reader.string();
  if (signature === undefined || !reader.isAtEnd || authorityBlob === undefined) return undefined;
  const authorityKey = publicKeyFromBlob(authorityBlob);
  // A certificate cannot certify: there are no chains.
  if (authorityKey === undefined || isCertificateType(authorityKey.type)) return undefined;
  if (serial === undefined || kind === undefined || keyId === undefined || principals === undefined)
    return undefined;
  if (validAfterS === undefined || validBeforeS === undefined) return undefined;
  if (criticalOptions === undefined || extensions === undefined) return undefined;
  const keyParts = fields.map((field) => encodeString(field ?? Buffer.alloc(0)));
  return {
    key,
    certifiedKey: {
      type: layout.plainType,
      blob: Buffer.concat([encodeString(layout.plainType), ...keyParts]),
    },
    serial,
    kind,
    keyId,
    principals,
    validAfterS,
    validBeforeS,
    criticalOptions,
    extensions,
    authorityKey,
    signature,
    signedData: copy.subarray(0, signedLength),
  };
}

function kindOf(value: number | undefined): Certificate['kind'] | undefined {
  return value === 1 ? 'user' : value === 2 ? 'host' : undefined;
}

/** A name with a zero byte in it would look different as a C string. */
function textOf(bytes: Buffer | undefined): string | undefined {
  return bytes === undefined || bytes.includes(0) ? undefined : bytes.toString('utf8');
}

function parsePrincipals(packed: Buffer | undefined): string[] | undefined {
  if (packed === undefined) return undefined;
  const reader = new WireReader(packed);
  const principals: string[] = [];
  while (!reader.isAtEnd) {
    const principal = textOf(reader.string());
    if (principal === undefined || principals.length === MAX_PRINCIPALS) return undefined;
    principals.push(principal);
  }
  return principals;
}

function parseOptions(packed: Buffer | undefined): CertificateOption[] | undefined {
  if (packed === undefined) return undefined;
  const reader = new WireReader(packed);
  const options: CertificateOption[] = [];
  while (!reader.isAtEnd) {
    const name = textOf(reader.string());
    const data = reader.string();
    if (name === undefined || data === undefined) return undefined;
    options.push({ name, data });
  }
  return options;
}
