import { createRequire } from 'node:module';
import type { Client } from 'ssh2';
import { TshuttleError } from '../../../core/errors.ts';
import { isCertificateType, parseCertificate } from '../../keys/certificate.ts';

/**
 * The one version of ssh2 whose key exchange was read for this (native-notes/ssh2-host-certificates.md). Its order of
 * steps is no interface: on another version host certificates are refused, loudly.
 */
const READ_VERSION = '1.17.0';

interface ClientInternals {
  readonly _protocol?: ProtocolInternals;
}

interface ProtocolInternals {
  _offer: KeyExchangeOffer;
  _kex: KeyExchange | undefined;
  _onHandshakeComplete(negotiated: Negotiated): void;
}

/** Our side of SSH_MSG_KEXINIT, in every form that ssh2 needs. */
interface KeyExchangeOffer {
  readonly lists: {
    readonly kex: NameList;
    readonly cs: DirectionLists;
    readonly sc: DirectionLists;
  };
}

interface DirectionLists {
  readonly cipher: NameList;
  readonly mac: NameList;
  readonly compress: NameList;
  readonly lang: NameList;
}

interface NameList {
  readonly array: readonly string[];
}

interface Negotiated {
  serverHostKey: string;
}

/** One key exchange; another one is made for each rekeying. */
interface KeyExchange {
  readonly negotiated: Negotiated;
  /** What the bastion has sent as its key. */
  _hostKey: Buffer | undefined;
  /** Computes the exchange hash, checks the signature over it, and goes over to the new keys. */
  finish(serverToClientOnly?: boolean): unknown;
  getPublicKey(): Buffer;
}

type KeyExchangeOfferConstructor = new (lists: object) => KeyExchangeOffer;

const require = createRequire(import.meta.url);

/** The algorithms to configure ssh2 with, before {@link offerHostCertificates}: it throws on names that it has not. */
export function withoutCertificates(algorithms: readonly string[]): readonly string[] {
  const plain = algorithms.filter((algorithm) => !isCertificateType(algorithm));
  return plain.length > 0 ? plain : ['ssh-ed25519'];
}

/**
 * Makes a client offer these host key algorithms, certificates among them, and check the key exchange with the key that a
 * certificate certifies. To be called right after `connect()`, before the bastion has said anything.
 *
 * Whether the certificate is to be trusted is the business of the `hostVerifier`, which gets the certificate.
 *
 * @throws TshuttleError ERR_INTERNAL with another version of ssh2, when there are certificates among the algorithms.
 */
export function offerHostCertificates(client: Client, algorithms: readonly string[]): void {
  if (!algorithms.some(isCertificateType)) return;
  const protocol = protocolOf(client);
  const { lists } = protocol._offer;
  const { KexInit } = require('ssh2/lib/protocol/kex.js') as { KexInit: KeyExchangeOfferConstructor };
  protocol._offer = new KexInit({
    kex: lists.kex.array,
    serverHostKey: [...algorithms],
    cs: namesOf(lists.cs),
    sc: namesOf(lists.sc),
  });
  const agreedOn = new WeakMap<Negotiated, string>();
  let current = protocol._kex;
  Object.defineProperty(protocol, '_kex', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (exchange: KeyExchange) => {
      agreedOn.set(exchange.negotiated, exchange.negotiated.serverHostKey);
      if (isCertificateType(exchange.negotiated.serverHostKey)) checkWithCertifiedKey(exchange);
      current = exchange;
    },
  });
  const onHandshakeComplete = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (negotiated) => {
    negotiated.serverHostKey = agreedOn.get(negotiated) ?? negotiated.serverHostKey;
    onHandshakeComplete(negotiated);
  };
}

/**
 * Lets ssh2 hash the certificate, and then check the signature with the key in it.
 *
 * ssh2 compares the agreed algorithm first with the type of the blob, then with that of the signature, which a certificate
 * tells apart. In between, in the midst of `finish`, it asks for our own public key: right behind the certificate in the
 * exchange hash (RFC 4253 section 8). If ever it asked at another moment, the hash or the comparison would be wrong, and the
 * key exchange would fail.
 */
function checkWithCertifiedKey(exchange: KeyExchange): void {
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

function namesOf(lists: DirectionLists): Readonly<Record<keyof DirectionLists, readonly string[]>> {
  const { cipher, mac, compress, lang } = lists;
  return { cipher: cipher.array, mac: mac.array, compress: compress.array, lang: lang.array };
}

function protocolOf(client: Client): ProtocolInternals {
  const { version } = require('ssh2/package.json') as { version: string };
  const protocol = (client as unknown as ClientInternals)._protocol;
  const isAsRead =
    version === READ_VERSION &&
    Array.isArray(protocol?._offer?.lists?.kex?.array) &&
    protocol._kex === undefined &&
    typeof protocol._onHandshakeComplete === 'function';
  if (protocol !== undefined && isAsRead) return protocol;
  throw new TshuttleError(
    'ERR_INTERNAL',
    `ssh2 ${version} is not the version whose key exchange can check host certificates (${READ_VERSION})`,
    { remedy: 'install the version of ssh2 that package-lock.json names (npm ci)' },
  );
}
