import { createRequire } from 'node:module';
import { isCertificateType } from '../../keys/certificate.ts';
import { encodeString, WireReader } from '../../keys/wire.ts';
import { followCiphers } from './ciphers/new-ciphers.ts';
import { checkWithCertifiedKey } from './host-certificate-internals.ts';
import type { KeyExchange, Negotiated } from './key-exchange-shape.ts';
import { refuseOtherSsh2 } from './ssh2-version.ts';

// ssh2's negotiation and key exchanges (lib/protocol/kex.js), as far as methods and host keys that it has not are put into them:
// native-notes/ssh2-key-exchange.md.

type CipherProtocol = Parameters<typeof followCiphers>[0];

interface Protocol extends CipherProtocol {
  _offer: Offer;
  _kex: KeyExchange | undefined;
  readonly _server: boolean;
  readonly _strictMode: boolean | undefined;
  /** Undefined at the end of the connection. */
  readonly _destruct: unknown;
  _onHandshakeComplete(negotiated: Negotiated): void;
  rekey(): void;
}

/** Our side of SSH_MSG_KEXINIT: as it is sent, and in lists, with which the other side's are compared. */
interface Offer {
  readonly lists: {
    kex: NameList;
    readonly serverHostKey: NameList;
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
  readonly buffer: Buffer;
}

/** What is offered beyond what ssh2 has. */
export interface OwnAlgorithms {
  /** All of them, the preferred first; undefined for those that ssh2 was configured with. */
  readonly keyExchange?: readonly string[];
  readonly hostKey?: readonly string[];
  /** How an exchange becomes one of a method that ssh2 has not, by the method's name. */
  readonly methods: ReadonlyMap<string, (exchange: KeyExchange) => void>;
}

/** Makes of the other side's SSH_MSG_KEXINIT what ssh2 is to see of it: to be called with each, right before ssh2 reads it. */
export type ReadKexInit = (payload: Buffer) => Buffer;

/** The method of which ssh2 makes the objects that become those of others. */
const STAND_IN = 'curve25519-sha256';
/** Of no method: for a first place that was a wrong guess. */
const NO_METHOD = 'none';

const COOKIE_END = 1 + 16;

const require = createRequire(import.meta.url);

/** A list to configure ssh2 with, before {@link offerOwn}: it throws on names that it has not. */
export function withoutMethods(keyExchange: readonly string[], own: readonly string[]): readonly string[] {
  const known = keyExchange.filter((name) => !own.includes(name));
  return known.length > 0 ? known : [STAND_IN];
}

/** Whether the sequence numbers of a connection begin anew with its keys, so that nothing can be left out before (Terrapin). */
export function isStrict(connection: object): boolean {
  return protocolOf(connection)._strictMode === true;
}

/** Exchanges keys again; nothing happens while that is under way, or when the connection is over. */
export function beginKeyExchange(client: object): void {
  const protocol = protocolOf(client);
  if (protocol._destruct !== undefined) protocol.rekey();
}

/**
 * Has a connection offer methods and host keys that ssh2 has not. To be called right after `connect()`, before the other side has said
 * anything.
 *
 * ssh2 makes its exchange by the name that it finds in both lists. Where that is one of ours it is shown another list of the other side,
 * with the stand-in alone, and another list of ours with the same; and the exchange that it makes is then changed into ours, with what
 * the other side has really sent to be hashed. If ever one of these steps were missing the exchange hash would be wrong, and
 * the signature over it with it.
 *
 * @param connection a client, or a server's connection
 * @throws TshuttleError ERR_INTERNAL with another version of ssh2
 */
export function offerOwn(connection: object, { keyExchange, hostKey, methods }: OwnAlgorithms): ReadKexInit {
  const protocol = protocolOf(connection);
  const given = protocol._offer.lists;
  const signals = given.kex.array.filter(isSignal);
  const { KexInit } = require('ssh2/lib/protocol/kex.js') as { KexInit: new (lists: object) => Offer };
  const offer = new KexInit({
    kex: keyExchange === undefined ? given.kex.array : [...keyExchange, ...signals],
    serverHostKey: hostKey === undefined ? given.serverHostKey.array : [...hostKey],
    cs: namesOf(given.cs),
    sc: namesOf(given.sc),
  });
  protocol._offer = offer;
  const ours = offer.lists.kex;
  const standIn = { ...ours, array: [STAND_IN] };
  /** Until ssh2 has made the exchange of it. */
  let shown: { readonly method: string; readonly payload: Buffer } | undefined;

  const agreed = new WeakMap<Negotiated, Negotiated>();
  const onExchange = protocol._server ? () => {} : followCiphers(protocol);
  let current = protocol._kex;
  Object.defineProperty(protocol, '_kex', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (exchange: KeyExchange) => {
      const { negotiated } = exchange;
      if (shown !== undefined) {
        negotiated.kex = shown.method;
        exchange._remoteKexinit = shown.payload;
        methods.get(shown.method)?.(exchange);
        shown = undefined;
        offer.lists.kex = ours;
      }
      onExchange(exchange);
      agreed.set(negotiated, { ...negotiated });
      if (isCertificateType(negotiated.serverHostKey)) checkWithCertifiedKey(exchange);
      current = exchange;
    },
  });
  const onHandshakeComplete = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (negotiated) => {
    onHandshakeComplete(Object.assign(negotiated, agreed.get(negotiated)));
  };

  return (payload) => {
    const theirs = keyExchangesOf(payload);
    const method = theirs === undefined ? undefined : agree(ours.array, theirs, protocol._server);
    if (theirs === undefined || method === undefined || !methods.has(method)) return payload;
    // ssh2 keeps what it is given, and the memory that it is in may be used again.
    shown = { method, payload: Buffer.from(payload) };
    offer.lists.kex = standIn;
    return withKeyExchanges(payload, [
      ...(theirs[0] === method ? [STAND_IN] : [NO_METHOD, STAND_IN]),
      ...theirs.filter(isSignal),
    ]);
  };
}

/** The client's first that the server has (RFC 4253 section 7.1). */
function agree(ours: readonly string[], theirs: readonly string[], isServer: boolean): string | undefined {
  const [client, server] = isServer ? [theirs, ours] : [ours, theirs];
  return client.find((name) => server.includes(name));
}

/** Names in the list that are of no method: what else a side can do. */
function isSignal(name: string): boolean {
  return name.startsWith('ext-info-') || name.startsWith('kex-strict-');
}

/** The first list of an SSH_MSG_KEXINIT; undefined where it is cut off, which ssh2 refuses. */
function keyExchangesOf(payload: Buffer): readonly string[] | undefined {
  return new WireReader(payload.subarray(COOKIE_END)).string()?.toString('latin1').split(',');
}

function withKeyExchanges(payload: Buffer, names: readonly string[]): Buffer {
  const listBytes = payload.readUInt32BE(COOKIE_END);
  return Buffer.concat([
    payload.subarray(0, COOKIE_END),
    encodeString(names.join(',')),
    payload.subarray(COOKIE_END + 4 + listBytes),
  ]);
}

function namesOf(lists: DirectionLists): Readonly<Record<keyof DirectionLists, readonly string[]>> {
  const { cipher, mac, compress, lang } = lists;
  return { cipher: cipher.array, mac: mac.array, compress: compress.array, lang: lang.array };
}

function protocolOf(connection: object): Protocol {
  const protocol = Reflect.get(connection, '_protocol') as Protocol | undefined;
  const hasShape =
    Array.isArray(protocol?._offer?.lists?.kex?.array) && typeof protocol._onHandshakeComplete === 'function';
  refuseOtherSsh2(hasShape);
  return protocol as Protocol;
}
