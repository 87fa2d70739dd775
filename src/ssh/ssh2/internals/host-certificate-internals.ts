import { isCertificateType, parseCertificate } from '../../keys/certificate.ts';
import type { KeyExchange } from './key-exchange-shape.ts';

/** The algorithms to configure ssh2 with, before those of certificates are offered: it throws on names that it has not. */
export function withoutCertificates(algorithms: readonly string[]): readonly string[] {
  const plain = algorithms.filter((algorithm) => !isCertificateType(algorithm));
  return plain.length > 0 ? plain : ['ssh-ed25519'];
}

/**
 * Lets ssh2 hash the certificate, and then check the signature with the key in it.
 *
 * ssh2 compares the agreed algorithm first with the type of the blob, then with that of the signature, which a certificate
 * tells apart. In between, in the midst of `finish`, it asks for our own public key: right behind the certificate in the
 * exchange hash (RFC 4253 section 8). If ever it asked at another moment, the hash or the comparison would be wrong, and the
 * key exchange would fail (native-notes/ssh2-host-certificates.md).
 *
 * Whether the certificate is to be trusted is the business of the `hostVerifier`, which gets the certificate.
 */
export function checkWithCertifiedKey(exchange: KeyExchange): void {
  const { negotiated } = exchange;
  const { blobType, signatureType } = typesOf(negotiated.serverHostKey);
  negotiated.serverHostKey = blobType;
  const finish = exchange.finish;
  const getPublicKey = exchange.getPublicKey;
  exchange.finish = (serverToClientOnly) => {
    exchange.getPublicKey = () => {
      exchange.getPublicKey = getPublicKey;
      const certificate = exchange._hostKey === undefined ? undefined : parseCertificate(exchange._hostKey);
      if (certificate !== undefined) {
        exchange._hostKey = certificate.certifiedKey.blob;
        negotiated.serverHostKey = signatureType;
      }
      return getPublicKey.call(exchange);
    };
    return finish.call(exchange, serverToClientOnly);
  };
}

/** An RSA certificate has one type, and a signature algorithm for each hash, as the key itself (RFC 8332). */
function typesOf(algorithm: string): { readonly blobType: string; readonly signatureType: string } {
  const signatureType = algorithm.replace(/-cert-v01@openssh\.com$/, '');
  const blobType = algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa-cert-v01@openssh.com' : algorithm;
  return { blobType, signatureType };
}
