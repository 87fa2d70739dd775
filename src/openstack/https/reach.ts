import type { Socket } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  rootCertificates,
  connect as startTls,
  type TLSSocket,
} from 'node:tls';
import { systemCodeOf, TshuttleError } from '../../core/errors.ts';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import type { Trust } from './trust.ts';

/** Opens a connection to a destination: through the bastion, or directly. */
export type OpenSocket = (destination: HostPort, signal: AbortSignal) => Promise<Socket>;

/**
 * A connection to a service, over TLS when its URL says so; the certificate is verified, whatever the cloud's own clients and
 * the environment say.
 *
 * The caller owns the socket, which has an error listener.
 *
 * @throws TshuttleError ERR_API_CERTIFICATE; what `open` throws; the signal's reason
 */
export async function connectToService(
  place: HostPort & { readonly isTls: boolean },
  { open, trust, signal }: { readonly open: OpenSocket; readonly trust: Trust; readonly signal: AbortSignal },
): Promise<Socket> {
  const socket = await open(place, signal);
  if (!place.isTls) return socket;
  try {
    return await secure(socket, place, trust, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function secure(socket: Socket, place: HostPort, trust: Trust, signal: AbortSignal): Promise<TLSSocket> {
  const options: ConnectionOptions = {
    socket,
    // An address has no place in SNI (RFC 6066 section 3).
    ...(isAddress(place.host) ? { host: place.host } : { host: place.host, servername: place.host }),
    ca: trust.certificates === undefined ? [...rootCertificates] : [...trust.certificates],
    ALPNProtocols: ['http/1.1'],
    // Both are defaults that NODE_TLS_REJECT_UNAUTHORIZED and NODE_OPTIONS change: for a development server, not for a secret.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    checkServerIdentity: (_name, certificate) => checkServerIdentity(place.host, certificate),
  };
  return new Promise((resolve, reject) => {
    const tls = startTls(options);
    const onAbort = (): void => void tls.destroy(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    tls.on('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(signal.aborted ? (signal.reason as Error) : failureOf(error, place, trust));
    });
    // What the channel breaks off with comes to the socket beneath.
    socket.on('error', (error) => tls.destroy(error));
    tls.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(tls);
    });
    if (signal.aborted) onAbort();
  });
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host);
}

/** The problem with a certificate, by the codes of Node.js and OpenSSL. */
const UNTRUSTED: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it is revoked',
};

function failureOf(error: Error, { host, port }: HostPort, trust: Trust): TshuttleError {
  const where = formatHostPort(host, port);
  const code = systemCodeOf(error) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = 'cert' in error ? namesOf(error.cert) : 'other names';
    return new TshuttleError(
      'ERR_API_CERTIFICATE',
      `${where}: its certificate is for ${names}, not for ${host}`,
      {
        remedy: 'use the name that the certificate has in auth_url, or ask who runs the cloud',
        cause: error,
      },
    );
  }
  const isCertificate = /^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|ERR_TLS_CERT)/.test(code);
  if (!isCertificate) {
    return new TshuttleError(
      'ERR_API_UNREACHABLE',
      `${where} breaks TLS off: ${error.message.split('\n', 1)[0]}`,
      {
        remedy: 'check that the URL should begin with https://',
        cause: error,
      },
    );
  }
  const why = UNTRUSTED[code] ?? `no certificate authority of ${trust.from} has signed it`;
  return new TshuttleError('ERR_API_CERTIFICATE', `${where}: its certificate is not trusted, ${why}`, {
    remedy: 'name the file of its certificate authority: cacert in clouds.yaml, or OS_CACERT',
    cause: error,
  });
}

function namesOf(certificate: unknown): string {
  const has = typeof certificate === 'object' && certificate !== null && 'subjectaltname' in certificate;
  const text = has ? String(certificate.subjectaltname) : '';
  return text.replaceAll(/(?:DNS|IP Address):/g, '').slice(0, 200) || 'no name';
}
