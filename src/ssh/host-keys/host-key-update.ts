import { type PublicKey, samePublicKey } from '../keys/public-key.ts';
import { entryNames, type KnownHostEntry } from './known-hosts.ts';

/** What a bastion says after the authentication about all of its host keys (PROTOCOL, hostkeys-00@openssh.com). */
export interface HostKeyAnnouncement {
  /** All that it says it has. */
  readonly announced: readonly PublicKey[];
  /** Those of them with which it has signed, in proof. */
  readonly proved: readonly PublicKey[];
}

/** What is known so far, and may be from now on. */
interface FiledKeys {
  /** What the host is filed under. */
  readonly lookupName: string;
  /** Of the user's own files. */
  readonly entries: readonly KnownHostEntry[];
  /** By HostKeyAlgorithms; a key of another type is not filed. */
  readonly acceptedTypes: readonly string[];
}

/** What is to be done with the user's known_hosts files. */
export type HostKeyUpdate =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | {
      readonly kind: 'update';
      readonly added: readonly PublicKey[];
      /** Lines to leave out. */
      readonly removed: readonly KnownHostEntry[];
    };

/** One of each type is usual, and twice as many while they are changed. */
const MAX_KEYS = 32;

/** The types that ssh2 can read in an announcement: a line with a key of another type may be of one that it was told. */
const READABLE_TYPES = /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521))$/;

/**
 * Decides whether and how the keys of a bastion are brought up to date, with the caution of OpenSSH (clientloop.c,
 * client_input_hostkeys): not where a line for the host has a marker, a wildcard or more than two names, nor where one of its
 * keys, new or old, is filed under another name.
 *
 * Unlike there, a line is not taken out because HostKeyAlgorithms leaves its type out.
 */
export function decideHostKeyUpdate(
  { announced, proved }: HostKeyAnnouncement,
  { lookupName, entries, acceptedTypes }: FiledKeys,
): HostKeyUpdate {
  const isIn = (keys: readonly PublicKey[], key: PublicKey): boolean =>
    keys.some((one) => samePublicKey(one, key));
  if (announced.length === 0) return { kind: 'nothing' };
  if (announced.length > MAX_KEYS) return { kind: 'skipped', reason: `it has more than ${MAX_KEYS}` };
  if (!announced.every((key) => isIn(proved, key)))
    return { kind: 'skipped', reason: 'it does not prove that it has all of them' };
  if (new Set(announced.map(({ blob }) => blob.toString('hex'))).size !== announced.length)
    return { kind: 'skipped', reason: 'it names one of them twice' };
  const filed = entries.filter((entry) => entryNames(entry, lookupName));
  const elsewhere = entries.filter((entry) => !filed.includes(entry));
  const added = announced.filter(
    (key) => acceptedTypes.includes(key.type) && !filed.some((entry) => samePublicKey(entry.key, key)),
  );
  const removed = filed.filter(
    (entry) => entry.marker === 'none' && READABLE_TYPES.test(entry.key.type) && !isIn(announced, entry.key),
  );
  if (added.length === 0 && removed.length === 0) return { kind: 'nothing' };
  const inTheWay = filed.find((entry) => entry.marker !== 'none' || isComplex(entry.names));
  if (inTheWay !== undefined) {
    const reason = `${inTheWay.file}:${inTheWay.line} has a marker, a wildcard or several names`;
    return { kind: 'skipped', reason };
  }
  const affected = [...announced, ...removed.map((entry) => entry.key)];
  const other = elsewhere.find((entry) => isIn(affected, entry.key));
  if (other !== undefined) {
    return { kind: 'skipped', reason: `${other.file}:${other.line} has one of them under another name` };
  }
  return { kind: 'update', added, removed };
}

/** More than `name` or `name,address`, which is what ssh itself writes. */
function isComplex(names: string): boolean {
  return /[*?]/.test(names) || names.split(',').length > 2;
}
