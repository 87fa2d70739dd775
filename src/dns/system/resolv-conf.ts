import { readFileSync } from 'node:fs';
import { readRegularFile } from '../../core/files/regular-file.ts';
import { canonicalAddress } from '../../net/address/literal.ts';

/** The stub addresses of systemd-resolved (systemd-resolved.service(8)). */
const STUBS = ['127.0.0.53', '127.0.0.54'];

/** The resolver configuration of libc. */
const RESOLV_CONF = '/etc/resolv.conf';

/** Those that systemd-resolved asks itself, in the same format. */
export const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';

/** What {@link systemNameservers} reads. */
export const RESOLV_CONF_FILES: readonly string[] = [RESOLV_CONF, BEHIND_STUB];

/** More than this is no resolv.conf. */
const MAX_FILE_BYTES = 65_536;

/** A resolver that this machine may ask. */
export interface Nameserver {
  /** Literal and canonical. */
  readonly address: string;
  /** The interface behind which a link-local address is. */
  readonly scope: string | undefined;
}

/** The `nameserver` lines, each once; without one, libc asks this machine (resolv.conf(5)). */
export function parseNameservers(text: string): readonly Nameserver[] {
  const nameservers = text.split('\n').flatMap((line): Nameserver[] => {
    const [word = '', scope] = /^nameserver[ \t]+(\S+)/.exec(line)?.[1]?.split('%') ?? [];
    const address = canonicalAddress(word);
    return address === undefined ? [] : [{ address, scope }];
  });
  return nameservers.length === 0 ? [{ address: '127.0.0.1', scope: undefined }] : eachOnce(nameservers);
}

/** The resolvers that resolv.conf names: those of libc, and those that systemd-resolved asks where it is one of them. */
export function nameserversOfFiles(readText: (path: string) => string = readIfThere): readonly Nameserver[] {
  const nameservers = parseNameservers(readText(RESOLV_CONF));
  if (!nameservers.some(({ address }) => STUBS.includes(address))) return nameservers;
  const behind = readText(BEHIND_STUB);
  return behind === '' ? nameservers : eachOnce([...nameservers, ...parseNameservers(behind)]);
}

/** The resolvers that one resolv.conf names, which may be somebody else's file. */
export function nameserversOfFile(path: string): readonly Nameserver[] {
  try {
    return parseNameservers(readRegularFile(path, MAX_FILE_BYTES).toString('utf8'));
  } catch {
    return parseNameservers('');
  }
}

/** By address: the rules cannot tell interfaces apart. */
function eachOnce(nameservers: readonly Nameserver[]): readonly Nameserver[] {
  return [...new Map(nameservers.toReversed().map((one) => [one.address, one])).values()].reverse();
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
