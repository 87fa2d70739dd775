import { createRequire } from 'node:module';
import { certificateAlgorithm } from '../../keys/certificate.ts';
import type { PublicKey } from '../../keys/public-key.ts';
import { isSecurityKey, type SigningKey } from '../../keys/signing-key.ts';
import { encodeString } from '../../keys/wire.ts';

// ssh2 1.17.0 knows neither certificates nor security keys: its `authPK` writes one name as the algorithm and as the type of
// the signature, and with a certificate these differ; and a security key's signature has more behind it. This writes the
// messages instead, on the same private parts; connection-internals.ts refuses any other version
// (native-notes/ssh2-connection-internals.md).

/** RFC 4252 section 5. */
const SSH_MSG_USERAUTH_REQUEST = 50;

/** What of ssh2's protocol object the messages need. */
export interface KeyRequestProtocol {
  readonly _kex: { readonly sessionID: Buffer };
  readonly _authsQueue: string[];
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(bytes: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
}

interface ProtocolUtilities {
  /** From DER, as `node:crypto` signs, to what SSH wants; false when it cannot be. */
  convertSignature(signature: Buffer, keyType: string): Buffer | false;
  sendPacket(protocol: KeyRequestProtocol, packet: Buffer): void;
}

/** Whether ssh2 cannot write the messages for a key by itself. */
export function needsOwnRequest(key: SigningKey): boolean {
  return key.certificate !== undefined || isSecurityKey(key.publicKey.type);
}

/**
 * Asks whether a key, or the certificate over it, would do, or with `sign` authenticates with it (RFC 4252 section 7,
 * PROTOCOL.certkeys, PROTOCOL.u2f).
 *
 * @param algorithm to sign with: `rsa-sha2-512`, or the type of the key
 * @param sign called with what is to be signed; its answer is as {@link SigningKey.sign} gives it
 */
export function requestWithKey(
  protocol: KeyRequestProtocol,
  user: string,
  { publicKey, certificate }: SigningKey,
  algorithm: string,
  sign?: (data: Buffer, done: (signature: Buffer) => void) => void,
): void {
  const offered =
    certificate === undefined
      ? { name: algorithm, blob: publicKey.blob }
      : { name: certificateAlgorithm(algorithm), blob: certificate.key.blob };
  const request = Buffer.concat([
    Buffer.of(SSH_MSG_USERAUTH_REQUEST),
    ...[user, 'ssh-connection', 'publickey'].map(encodeString),
    Buffer.of(sign === undefined ? 0 : 1),
    encodeString(offered.name),
    encodeString(offered.blob),
  ]);
  if (sign === undefined) {
    send(protocol, request);
    return;
  }
  sign(Buffer.concat([encodeString(protocol._kex.sessionID), request]), (signature) => {
    const signed = Buffer.concat([encodeString(algorithm), signatureFields(publicKey, signature)]);
    send(protocol, Buffer.concat([request, encodeString(signed)]));
  });
}

function signatureFields({ type }: PublicKey, signature: Buffer): Buffer {
  if (isSecurityKey(type)) return signature;
  const converted = utilities().convertSignature(signature, type);
  if (converted === false) throw new Error(`no signature of a ${type} key`);
  return encodeString(converted);
}

function utilities(): ProtocolUtilities {
  return createRequire(import.meta.url)('ssh2/lib/protocol/utils.js') as ProtocolUtilities;
}

function send(protocol: KeyRequestProtocol, payload: Buffer): void {
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  payload.copy(packet, write.allocStart);
  // The answers are told apart by the order of the requests.
  protocol._authsQueue.push('publickey');
  utilities().sendPacket(protocol, write.finalize(packet));
}
