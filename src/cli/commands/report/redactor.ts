import { isIP } from 'node:net';

/** What tells nobody anything: addresses that every machine has, and words that look like names. */
const PUBLIC_WORDS = new Set([
  '127.0.0.1',
  '::1',
  '0.0.0.0',
  '::',
  '255.255.255.255',
  '127.0.0.53',
  '127.0.0.54',
  'localhost',
]);

/** Ends of what looks like a host's name and is a file's. */
const FILE_ENDS =
  /\.(ts|js|mjs|cjs|json|ya?ml|sock|pid|log|conf|pub|pem|so|service|socket|node|txt)(\.\d+)?$/i;

/** A name with a dot, as hosts have. */
const HOST_NAME = /(?<![\w./-])(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*(?![\w-])/gi;
const ADDRESS = /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w:])/gi;
const FINGERPRINT = /SHA256:[A-Za-z0-9+/]{43}=?/g;
/** Long runs without a meaning to people: keys, tokens, one-time passwords' secrets. */
const OPAQUE = /(?<![\w/+])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w/+])/g;

/**
 * Replaces what is private by words that stand for it, always the same for the same, so that a reader can follow who is who
 * and learns nobody's name.
 */
export class Redactor {
  readonly #known: ReadonlyArray<readonly [word: string, stand: string]>;
  readonly #stands = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** @param privateWords what is known to be private: users, hosts, paths; secrets before all */
  constructor(privateWords: Iterable<readonly [word: string, kind: string]>) {
    const words = [...privateWords].filter(([word]) => word.length > 1 && !PUBLIC_WORDS.has(word));
    // The longest first: one may be a part of another.
    words.sort(([a], [b]) => b.length - a.length);
    this.#known = words.map(([word, kind]) => [word, this.#standFor(word, kind)]);
  }

  /** The text without what is private. */
  redact(text: string): string {
    let redacted = text;
    for (const [word, stand] of this.#known) redacted = replaceWord(redacted, word, stand);
    return redacted
      .replace(FINGERPRINT, (match) => this.#standFor(match, 'fingerprint'))
      .replace(OPAQUE, (match) => (/^-+$/.test(match) ? match : this.#standFor(match, 'opaque')))
      .replace(ADDRESS, (match) =>
        isIP(match) === 0 || PUBLIC_WORDS.has(match) ? match : this.#standFor(match, 'address'),
      )
      .replace(HOST_NAME, (match) =>
        FILE_ENDS.test(match) ? match : this.#standFor(match.toLowerCase(), 'host'),
      );
  }

  #standFor(word: string, kind: string): string {
    const known = this.#stands.get(word);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const stand = `<${kind}-${count}>`;
    this.#stands.set(word, stand);
    return stand;
  }
}

/** Wherever it stands, also inside of a path or a URL; short words only where they are words. */
function replaceWord(text: string, word: string, stand: string): string {
  if (word.length >= 6) return text.replaceAll(word, stand);
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(?<![A-Za-z0-9])${escaped}(?![A-Za-z0-9])`, 'g'), stand);
}
