import { printableLine } from '../../core/printable.ts';

/** What a bastion offers before and while somebody logs in, as ssh tells it at DEBUG2 (kex.c, sshconnect2.c). */
export interface ServerOffer {
  /** `OpenSSH_9.2p1 Debian-2`. */
  readonly software: string;
  readonly keyExchanges: readonly string[];
  readonly hostKeys: readonly string[];
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
  /** How one may begin to log in. */
  readonly methods: readonly string[];
  /** What the key that was accepted allows, in sshd's words: `pty`, `agent-forwarding` ...; undefined where it is not told. */
  readonly keyOptions: readonly string[] | undefined;
}

/** Reads what ssh has said of one connection. */
export function readServerOffer(lines: readonly string[]): ServerOffer {
  const proposal = lines.findIndex((line) => line.includes('peer server KEXINIT proposal'));
  const behind = proposal === -1 ? [] : lines.slice(proposal + 1);
  const listOf = (pattern: RegExp, where: readonly string[]): readonly string[] =>
    (firstOf(pattern, where) ?? '').split(',').filter(Boolean).map(printableLine);
  return {
    software: printableLine(firstOf(/remote software version (.*)$/, lines) ?? 'unknown'),
    keyExchanges: listOf(/KEX algorithms: (.*)$/, behind),
    hostKeys: listOf(/host key algorithms: (.*)$/, behind),
    ciphers: listOf(/ciphers stoc: (.*)$/, behind),
    macs: listOf(/MACs stoc: (.*)$/, behind),
    methods: listOf(/Authentications that can continue: (.*)$/, lines),
    keyOptions: firstOf(/Remote: .*: key options:(.*)$/, lines)
      ?.trim()
      .split(' ')
      .filter(Boolean),
  };
}

function firstOf(pattern: RegExp, lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const [, text] = pattern.exec(line) ?? [];
    if (text !== undefined) return text;
  }
  return undefined;
}
