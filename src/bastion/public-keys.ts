import { type PublicKey, parsePublicKeyLine } from '../ssh/keys/public-key.ts';
import { WireReader } from '../ssh/keys/wire.ts';

/** More keys than any file of one account has. */
const MAX_KEYS = 1_000;

/** Shorter ones are refused by the sshd of every Debian (RequiredRSASize), or soon will be. */
const MIN_RSA_BITS = 2_048;

/** What a file of public keys says: the keys, or what is wrong with the first line that is none. */
export type ParsedKeys =
  | { readonly kind: 'keys'; readonly lines: readonly string[] }
  | { readonly kind: 'wrong'; readonly line: number | undefined; readonly what: string };

/**
 * Reads a `.pub` file, or one with several such lines, and writes each key anew as `type base64 comment`: nothing of the file but
 * the key itself and plain characters of its comment comes out, so that no line of it can add an option or another key.
 */
export function parseAuthorizedKeys(text: string): ParsedKeys {
  if (/^-----BEGIN .*PRIVATE KEY-----/m.test(text)) {
    return {
      kind: 'wrong',
      line: undefined,
      what: 'is a private key, which stays where it is: name its .pub',
    };
  }
  const lines: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const wrong = (what: string): ParsedKeys => ({ kind: 'wrong', line: index + 1, what });
    const key = parsePublicKeyLine(line);
    if (key === undefined) {
      return wrong(
        'is no public key, as ssh-keygen writes it: type, base64, comment; options in front are not taken',
      );
    }
    const why = whyUnfit(key);
    if (why !== undefined) return wrong(why);
    if (lines.length === MAX_KEYS) return wrong(`is one key more than ${MAX_KEYS}`);
    lines.push([key.type, key.blob.toString('base64'), plainComment(line)].filter(Boolean).join(' '));
  }
  return lines.length === 0
    ? { kind: 'wrong', line: undefined, what: 'has no public key in it' }
    : { kind: 'keys', lines };
}

/** What stands behind the key, as far as it is plain. */
function plainComment(line: string): string {
  const comment = line
    .trim()
    .split(/[ \t]+/)
    .slice(2)
    .join(' ');
  return comment
    .replace(/[^\w.@+-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80);
}

/** How many strings a blob has behind its type name (RFC 4253, RFC 5656, RFC 8709, PROTOCOL.u2f). */
const FIELDS: Readonly<Record<string, number>> = {
  'ssh-ed25519': 1,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'ssh-rsa': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

function whyUnfit({ type, blob }: PublicKey): string | undefined {
  if (type.includes('-cert-')) return 'is a certificate: give the key that signs such certificates by --ca';
  if (type === 'ssh-dss')
    return 'is a DSA key, which no sshd takes any more: make one with ssh-keygen -t ed25519';
  const count = FIELDS[type];
  if (count === undefined) return `is a key of the unknown type ${type}`;
  const reader = new WireReader(blob);
  reader.string();
  const fields = Array.from({ length: count }, () => reader.string());
  if (fields.includes(undefined) || !reader.isAtEnd) return 'is cut off, or has more in it than a key';
  if (type !== 'ssh-rsa') return undefined;
  const bits = bitsOf(fields[1]!);
  return bits < MIN_RSA_BITS ? `is an RSA key of ${bits} bits, fewer than ${MIN_RSA_BITS}` : undefined;
}

function bitsOf(number: Buffer): number {
  const hex = number.toString('hex').replace(/^0+/, '');
  return hex === '' ? 0 : (hex.length - 1) * 4 + Number.parseInt(hex[0]!, 16).toString(2).length;
}
