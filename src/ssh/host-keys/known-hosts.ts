import { createHmac, randomBytes } from 'node:crypto';
import { type PublicKey, parsePublicKeyLine } from '../keys/public-key.ts';

/** One usable line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHostEntry {
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** The first field: comma-separated patterns, or one hashed name. */
  readonly names: string;
  readonly key: PublicKey;
  /** Where it stands, counted from 1. */
  readonly file: string;
  readonly line: number;
}

/** Parses the text of a known_hosts file. As OpenSSH does, a line that is none is passed over. */
export function parseKnownHosts(text: string, file: string): KnownHostEntry[] {
  return text.split('\n').flatMap((line, index) => {
    const entry = parseLine(line);
    return entry === undefined ? [] : [{ ...entry, file, line: index + 1 }];
  });
}

function parseLine(line: string): Pick<KnownHostEntry, 'marker' | 'names' | 'key'> | undefined {
  const fields = /^[ \t]*(?:@(\S+)[ \t]+)?([^\s#@]\S*)[ \t]+(\S.*?)\s*$/.exec(line);
  if (fields === null) return undefined;
  const [, marker, names = '', rest = ''] = fields;
  if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return undefined;
  const key = parsePublicKeyLine(rest);
  return key === undefined ? undefined : { marker: marker ?? 'none', names, key };
}

/** Whether an entry is filed under `name` (`host`, `[host]:port` or an alias), which is in lower case. */
export function entryNames(entry: KnownHostEntry, name: string): boolean {
  return entry.names.startsWith('|')
    ? matchesHashedName(entry.names, name)
    : matchesPatternList(entry.names.toLowerCase(), name.toLowerCase());
}

/** `|1|salt|HMAC-SHA1(salt, name)`, both base64. */
function matchesHashedName(hashed: string, name: string): boolean {
  const [, version, salt, digest] = hashed.split('|');
  if (version !== '1' || salt === undefined || digest === undefined) return false;
  return hashWithSalt(Buffer.from(salt, 'base64'), name) === digest;
}

function hashWithSalt(salt: Buffer, name: string): string {
  return createHmac('sha1', salt).update(name).digest('base64');
}

/** One pattern must match, and none of those negated with `!`. */
function matchesPatternList(patterns: string, name: string): boolean {
  let matched = false;
  for (const pattern of patterns.split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** `*` for any run of characters, `?` for one; in one pass with one point of return, so never exponential. */
function matchesPattern(pattern: string, name: string): boolean {
  let patternAt = 0;
  let nameAt = 0;
  let star = -1;
  let starName = 0;
  while (nameAt < name.length) {
    const symbol = pattern[patternAt];
    if (symbol === '*') {
      star = patternAt;
      starName = nameAt;
      patternAt += 1;
    } else if (symbol === '?' || (symbol !== undefined && symbol === name[nameAt])) {
      patternAt += 1;
      nameAt += 1;
    } else if (star >= 0) {
      starName += 1;
      patternAt = star + 1;
      nameAt = starName;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(patternAt));
}

/**
 * The line that files a key under a name, with its newline.
 *
 * @param style `hashed` where HashKnownHosts wants that the file does not tell which hosts the user knows
 */
export function formatKnownHost(name: string, key: PublicKey, style: 'plain' | 'hashed'): string {
  const salt = randomBytes(20);
  const names = style === 'plain' ? name : `|1|${salt.toString('base64')}|${hashWithSalt(salt, name)}`;
  return `${names} ${key.type} ${key.blob.toString('base64')}\n`;
}
