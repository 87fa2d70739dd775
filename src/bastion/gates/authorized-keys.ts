import {
  fingerprintOf,
  type PublicKey,
  parsePublicKeyLine,
  samePublicKey,
} from '../../ssh/keys/public-key.ts';
import { ACCESS_OPTIONS } from '../access-files.ts';

/** A key of an authorized_keys file (sshd(8)). */
export interface KeyEntry {
  readonly fingerprint: string;
  readonly type: string;
  readonly comment: string;
  /** As they stand in front of it; empty for none. */
  readonly options: string;
}

/** Options have no blank in them but within quotes, in which a backslash keeps a quote from ending them. */
const LINE =
  /^(?:((?:[^\s"]|"(?:\\.|[^"\\])*")+)[ \t]+)?([a-z][\w@.-]*[ \t]+[A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/;

interface ReadLine {
  readonly key: PublicKey;
  readonly options: string;
  readonly comment: string;
}

function readLine(line: string): ReadLine | undefined {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return undefined;
  const [, options = '', words = '', comment = ''] = LINE.exec(text) ?? [];
  const key = parsePublicKeyLine(words);
  return key === undefined ? undefined : { key, options, comment };
}

/** The keys of a file, in its order; lines that are none are left out. */
export function keyEntries(text: string): readonly KeyEntry[] {
  return text.split('\n').flatMap((line) => {
    const read = readLine(line);
    if (read === undefined) return [];
    const { key, options, comment } = read;
    return [{ fingerprint: fingerprintOf(key), type: key.type, comment, options }];
  });
}

/** The line of a file that has the key with a fingerprint, as `type base64`; undefined where none has. */
export function keyWith(text: string, fingerprint: string): string | undefined {
  for (const line of text.split('\n')) {
    const read = readLine(line);
    if (read !== undefined && fingerprintOf(read.key) === fingerprint)
      return `${read.key.type} ${read.key.blob.toString('base64')}`;
  }
  return undefined;
}

/**
 * The file without a key, whatever options it has; all other lines stay as they are, byte for byte.
 *
 * @param key `type base64 comment`, as `parseAuthorizedKeys` makes it
 */
export function withoutKey(text: string, key: string): string {
  const unwanted = parsePublicKeyLine(key)!;
  const lines = text.split('\n').filter((line) => {
    const read = readLine(line);
    return read === undefined || !samePublicKey(read.key, unwanted);
  });
  return lines.join('\n');
}

/**
 * The file with a key that may forward, and nothing else; one that is there gets these options.
 *
 * @param key as {@link withoutKey}
 * @param permitOpen where it may forward to, HOST:PORT each; empty for everywhere
 */
export function withKey(text: string, key: string, permitOpen: readonly string[]): string {
  const rest = withoutKey(text, key);
  const start = rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`;
  return `${start}${keyOptions(permitOpen)} ${key}\n`;
}

function keyOptions(permitOpen: readonly string[]): string {
  return [ACCESS_OPTIONS, ...permitOpen.map((place) => `permitopen="${place}"`)].join(',');
}

/** A place of `permitopen`: a host, an address in brackets or `*`, and a port or `*`. */
export const PERMIT_OPEN =
  /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\*):(?:[1-9]\d{0,4}|\*)$/;
