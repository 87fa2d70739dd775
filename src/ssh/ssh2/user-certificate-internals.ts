import { createRequire } from 'node:module';
import type { Certificate } from '../certificate.ts';
import { encodeString } from '../wire.ts';

// ssh2 1.17.0 knows no certificates: its `authPK` writes one name as the algorithm and as the type of the signature, and with
// a certificate these differ. This writes the messages instead, on the same private parts; connection-internals.ts refuses
// any other version (native-notes/ssh2-connection-internals.md).

/** RFC 4252 section 5. */
const SSH_MSG_USERAUTH_REQUEST = 50;
const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';

/** What of ssh2's protocol object the messages need. */
export interface CertificateProtocol {
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
  sendPacket(protocol: CertificateProtocol, packet: Buffer): void;
}

/**
 * Asks whether a certificate would do, or with `sign` authenticates with it (RFC 4252 section 7, PROTOCOL.certkeys).
 *
 * @param algorithm to sign with: `rsa-sha2-512`, or the type of the certified key
 * @param sign called with what is to be signed
 */
export function requestWithCertificate(
  protocol: CertificateProtocol,
  user: string,
  certificate: Certificate,
  algorithm: string,
  sign?: (data: Buffer, done: (signature: Buffer) => void) => void,
): void {
  const request = Buffer.concat([
    Buffer.of(SSH_MSG_USERAUTH_REQUEST),
    ...[user, 'ssh-connection', 'publickey'].map(encodeString),
    Buffer.of(sign === undefined ? 0 : 1),
    encodeString(`${algorithm}${CERTIFICATE_SUFFIX}`),
    encodeString(certificate.key.blob),
  ]);
  if (sign === undefined) {
    send(protocol, request);
    return;
  }
  sign(Buffer.concat([encodeString(protocol._kex.sessionID), request]), (signature) => {
    const converted = utilities().convertSignature(signature, certificate.certifiedKey.type);
    if (converted === false) throw new Error(`no signature of a ${certificate.certifiedKey.type} key`);
    const signed = Buffer.concat([encodeString(algorithm), encodeString(converted)]);
    send(protocol, Buffer.concat([request, encodeString(signed)]));
  });
}

function utilities(): ProtocolUtilities {
  return createRequire(import.meta.url)('ssh2/lib/protocol/utils.js') as ProtocolUtilities;
}

function send(protocol: CertificateProtocol, payload: Buffer): void {
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  payload.copy(packet, write.allocStart);
  // The answers are told apart by the order of the requests.
  protocol._authsQueue.push('publickey');
  utilities().sendPacket(protocol, write.finalize(packet));
}
