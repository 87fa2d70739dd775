import type { HostPort } from '../../net/address/endpoint.ts';
import { isHostName } from '../../net/address/host-port.ts';
import { bytesToAddress } from '../../net/address/literal.ts';
import type { OpenFailure } from '../../net/flow.ts';

/** One message at the beginning of `bytes`; how long it is, where it is complete. */
export type Decoded<T> =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly what: string }
  | { readonly kind: 'message'; readonly message: T; readonly length: number };

/** Decodes the first message of what has arrived so far. */
export type Decode<T> = (bytes: Buffer) => Decoded<T>;

const INCOMPLETE = { kind: 'incomplete' } as const;

/** No message is longer: SOCKS4a with a user id and a name of 255 bytes each, and their zeros. */
export const MAX_MESSAGE_BYTES = 8 + 256 + 256;

/** RFC 1928 section 3: no authentication, user name and password (RFC 1929), none acceptable. */
export const METHODS = { none: 0x00, password: 0x02, unacceptable: 0xff } as const;

/** The first message of a client. */
export type Greeting =
  | { readonly version: 5; readonly methods: readonly number[] }
  /** Its request is its greeting. */
  | { readonly version: 4 };

/** Decodes the first message of a client. SOCKS4's is left for {@link decodeRequest4}: its length is 0 here. */
export function decodeGreeting(bytes: Buffer): Decoded<Greeting> {
  const [version, count] = bytes;
  if (version === undefined) return INCOMPLETE;
  if (version === 4) return { kind: 'message', message: { version }, length: 0 };
  if (version !== 5) return invalid('no SOCKS client');
  if (count === undefined || bytes.length < 2 + count) return INCOMPLETE;
  return {
    kind: 'message',
    message: { version, methods: [...bytes.subarray(2, 2 + count)] },
    length: 2 + count,
  };
}

/** A user name and a password as a client sent them. */
export interface SentCredentials {
  readonly user: string;
  readonly password: string;
}

/** RFC 1929 section 2. */
export function decodePassword(bytes: Buffer): Decoded<SentCredentials> {
  const [version, userLength] = bytes;
  if (version === undefined) return INCOMPLETE;
  if (version !== 1) return invalid(`unknown version ${version} of the password message`);
  if (userLength === undefined) return INCOMPLETE;
  const passwordLength = bytes[2 + userLength];
  if (passwordLength === undefined) return INCOMPLETE;
  const end = 3 + userLength + passwordLength;
  if (bytes.length < end) return INCOMPLETE;
  const user = bytes.toString('utf8', 2, 2 + userLength);
  return {
    kind: 'message',
    message: { user, password: bytes.toString('utf8', 3 + userLength, end) },
    length: end,
  };
}

/** RFC 1928 section 6 (REP) and the SOCKS4 protocol: what a request is answered with. */
export type ReplyCode = 'succeeded' | 'command-unsupported' | 'address-unsupported' | OpenFailure;

/** A request to connect, or why it is none, which is to be answered. */
export type SocksRequest =
  | { readonly kind: 'connect'; readonly destination: HostPort }
  | { readonly kind: 'unsupported'; readonly reply: ReplyCode; readonly what: string };

const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** RFC 1928 section 4. */
export function decodeRequest5(bytes: Buffer): Decoded<SocksRequest> {
  const [version, command, , addressType, nameLength] = bytes;
  if (version === undefined) return INCOMPLETE;
  if (version !== 5) return invalid(`version ${version} in a request of version 5`);
  if (addressType === undefined) return INCOMPLETE;
  if (addressType !== IPV4 && addressType !== NAME && addressType !== IPV6) {
    const what = `unknown address type ${addressType}`;
    return { kind: 'message', message: unsupported('address-unsupported', what), length: bytes.length };
  }
  if (nameLength === undefined) return INCOMPLETE;
  const start = addressType === NAME ? 5 : 4;
  const end = start + (addressType === NAME ? nameLength : addressType === IPV4 ? 4 : 16);
  const length = end + 2;
  if (bytes.length < length) return INCOMPLETE;
  const field = bytes.subarray(start, end);
  const host = addressType === NAME ? field.toString('latin1') : bytesToAddress(field);
  const message = requestOf(command, host, bytes.readUInt16BE(end));
  return { kind: 'message', message, length };
}

/** The user id of a SOCKS4 client, and what it asks for. */
export interface Request4 {
  readonly userId: string;
  readonly request: SocksRequest;
}

/** `SOCKS: A protocol for TCP proxy across firewalls` (Ying-Da Lee), and its extension 4A for names. */
export function decodeRequest4(bytes: Buffer): Decoded<Request4> {
  if (bytes.length < 9) return INCOMPLETE;
  const userEnd = bytes.indexOf(0, 8);
  if (userEnd < 0) return bytes.length > 8 + 255 ? invalid('a user id of more than 255 bytes') : INCOMPLETE;
  const userId = bytes.toString('utf8', 8, userEnd);
  const port = bytes.readUInt16BE(2);
  // 0.0.0.x, x not 0: the name follows.
  const isNamed = bytes.readUIntBE(4, 3) === 0 && bytes[7] !== 0;
  if (!isNamed) {
    const request = requestOf(bytes[1], bytesToAddress(bytes.subarray(4, 8)), port);
    return { kind: 'message', message: { userId, request }, length: userEnd + 1 };
  }
  const nameEnd = bytes.indexOf(0, userEnd + 1);
  if (nameEnd < 0)
    return bytes.length > userEnd + 256 ? invalid('a name of more than 255 bytes') : INCOMPLETE;
  const request = requestOf(bytes[1], bytes.toString('latin1', userEnd + 1, nameEnd), port);
  return { kind: 'message', message: { userId, request }, length: nameEnd + 1 };
}

/** RFC 1928 section 3: which method the server has chosen. */
export function encodeMethod(method: number): Buffer {
  return Buffer.from([5, method]);
}

/** RFC 1929 section 2. */
export function encodePasswordReply(isRight: boolean): Buffer {
  return Buffer.from([1, isRight ? 0 : 1]);
}

const REPLY_CODES: Readonly<Record<ReplyCode, number>> = {
  succeeded: 0,
  other: 1,
  prohibited: 2,
  unreachable: 3,
  'unknown-host': 4,
  refused: 5,
  'timed-out': 6,
  'command-unsupported': 7,
  'address-unsupported': 8,
};

/** RFC 1928 section 6. The address that the bastion connects from is not known: zeros, as `ssh -D` answers. */
export function encodeReply5(reply: ReplyCode): Buffer {
  return Buffer.from([5, REPLY_CODES[reply], 0, IPV4, 0, 0, 0, 0, 0, 0]);
}

/** Granted, or rejected or failed: SOCKS4 has no more words. */
export function encodeReply4(reply: ReplyCode): Buffer {
  return Buffer.from([0, reply === 'succeeded' ? 90 : 91, 0, 0, 0, 0, 0, 0]);
}

function requestOf(command: number | undefined, host: string, port: number): SocksRequest {
  if (command !== CONNECT) return unsupported('command-unsupported', `command ${command} is not CONNECT`);
  if (port === 0) return unsupported('other', 'port 0 cannot be connected to');
  if (!isHostName(host)) return unsupported('unknown-host', 'not a host name');
  return { kind: 'connect', destination: { host, port } };
}

function unsupported(reply: ReplyCode, what: string): SocksRequest {
  return { kind: 'unsupported', reply, what };
}

function invalid(what: string): Decoded<never> {
  return { kind: 'invalid', what };
}
