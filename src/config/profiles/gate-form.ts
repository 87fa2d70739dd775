import { isIP } from 'node:net';
import { isScopedIpv6 } from '../../net/address/scoped-address.ts';
import { Invalid } from '../parse/invalid.ts';
import { parseRemote } from '../parse/remote.ts';
import { closestOf } from './closest.ts';
import { isMapping, MAX_PROFILES, PROFILE_NAME, type ReportForm } from './profile-form.ts';

/** A key of a gate or of a target. */
interface TextRow {
  /** For editors: what it is for. */
  readonly description: string;
  readonly isRequired?: true;
  /** What is wrong with its text; undefined where nothing is. */
  readonly whyWrong: (text: string) => string | undefined;
}

/** What a gate is made of: an ssh server on the edge of a network, which leads to the servers behind it. */
export const GATE_ROWS = {
  remote: {
    description: 'the gate, [user@]host[:port], or a Host of the ssh configuration; no password',
    isRequired: true,
    whyWrong: whyNoRemote,
  },
  identity: { description: 'private key to go through it with, as ssh -i', whyWrong: whyUnfitPath },
  management_key: {
    description: 'private key to change its keys with (tshuttle gate keys)',
    whyWrong: whyUnfitPath,
  },
  management_user: {
    description: 'the account there that changes its keys (default: that of remote)',
    whyWrong: whyNoUser,
  },
} as const satisfies Readonly<Record<string, TextRow>>;

/** What a target is made of: a server behind a gate, and how to log in to it. */
export const TARGET_ROWS = {
  gate: {
    description: 'the gate that it is behind, of gates:',
    isRequired: true,
    whyWrong: (text) => (PROFILE_NAME.test(text) ? undefined : 'is not the name of a gate'),
  },
  server: {
    description: 'what the gate knows it by: its UUID, its name or its address',
    isRequired: true,
    whyWrong: (text) =>
      isServerName(text)
        ? undefined
        : 'is not a UUID, a name or an address: letters, digits, dot, dash, underscore',
  },
  user: { description: 'the account to log in to there', isRequired: true, whyWrong: whyNoUser },
  identity: { description: 'private key to log in with there, as ssh -i', whyWrong: whyUnfitPath },
} as const satisfies Readonly<Record<string, TextRow>>;

type Written<Rows> = {
  readonly [K in keyof Rows as Rows[K] extends { readonly isRequired: true } ? K : never]: string;
} & {
  readonly [K in keyof Rows as Rows[K] extends { readonly isRequired: true } ? never : K]?: string;
};

/** A gate as it is written. */
export type WrittenGate = Written<typeof GATE_ROWS>;

/** A target as it is written. */
export type WrittenTarget = Written<typeof TARGET_ROWS>;

/** The part of a file that one kind of entry stands in. */
export const GATE_SECTIONS = { gates: GATE_ROWS, targets: TARGET_ROWS } as const satisfies Readonly<
  Record<string, Readonly<Record<string, TextRow>>>
>;

/** Checks `gates:` and `targets:` of a file: all of it, whatever is wrong. */
export function checkGates(
  data: Readonly<Record<string, unknown>>,
  report: ReportForm,
): {
  readonly gates: ReadonlyMap<string, WrittenGate>;
  readonly targets: ReadonlyMap<string, WrittenTarget>;
} {
  const gates = checkSection<WrittenGate>('gates', data['gates'], report);
  const targets = checkSection<WrittenTarget>('targets', data['targets'], report);
  for (const [name, { gate }] of targets) {
    if (typeof gate !== 'string' || gates.has(gate)) continue;
    const there = gates.size === 0 ? 'there are none' : `there are ${[...gates.keys()].join(', ')}`;
    report(['targets', name, 'gate'], 'value', `gate ${gate} is not one of gates:; ${there}`);
  }
  return { gates, targets };
}

function checkSection<Entry>(
  section: keyof typeof GATE_SECTIONS,
  data: unknown,
  report: ReportForm,
): ReadonlyMap<string, Entry> {
  if (data === undefined || data === null) return new Map();
  if (!isMapping(data)) {
    report([section], 'value', `${section} must hold ${section} by their names`);
    return new Map();
  }
  const entries = Object.entries(data);
  if (entries.length > MAX_PROFILES)
    report([section], 'value', `${section} has more than ${MAX_PROFILES} ${section}`);
  const whole = entries.filter(([name, entry]) => {
    if (!PROFILE_NAME.test(name)) report([section, name], 'key', `${name} is not a name: ${NAME_FORM}`);
    if (isMapping(entry)) checkEntry([section, name], entry, GATE_SECTIONS[section], report);
    else
      report([section, name], 'value', `${name} must hold ${Object.keys(GATE_SECTIONS[section]).join(', ')}`);
    return isMapping(entry);
  });
  // Each of the form that its rows say; else something was told, and nobody uses them.
  return new Map(whole) as ReadonlyMap<string, Entry>;
}

const NAME_FORM = 'letters, digits, dot, dash and underscore, 63 at most';

function checkEntry(
  path: readonly [string, string],
  entry: Readonly<Record<string, unknown>>,
  rows: Readonly<Record<string, TextRow>>,
  report: ReportForm,
): void {
  const [section, name] = path;
  for (const key of Object.keys(entry).filter((one) => !Object.hasOwn(rows, one))) {
    const meant = closestOf(key.replaceAll('-', '_'), Object.keys(rows));
    const suggestion = meant === undefined ? '' : `; perhaps ${meant}`;
    report([...path, key], 'key', `${key} is not a key of ${section}${suggestion}`);
  }
  for (const [key, { isRequired, whyWrong }] of Object.entries(rows)) {
    const value = entry[key];
    if (value === undefined) {
      if (isRequired) report(path, 'key', `${name} has no ${key}`);
      continue;
    }
    const what = typeof value === 'string' ? whyWrong(value) : 'must be text; put it in quotes';
    if (what !== undefined) report([...path, key], 'value', `${key} ${what}`);
  }
}

/** What is wrong with one value of a gate or a target, as it would be written; undefined where nothing is. */
export function whyUnfitFor<Section extends keyof typeof GATE_SECTIONS>(
  section: Section,
  key: keyof (typeof GATE_SECTIONS)[Section] & string,
  text: string,
): string | undefined {
  const rows: Readonly<Record<string, TextRow>> = GATE_SECTIONS[section];
  return rows[key]!.whyWrong(text);
}

function whyNoRemote(text: string): string | undefined {
  const remote = parseRemote(text);
  if (remote instanceof Invalid) return remote.what;
  if (remote.password !== undefined)
    return 'has a password, which does not belong in a file; leave it out to be asked for it';
  const isPlain =
    isServerName(remote.host) && (remote.user === undefined || whyNoUser(remote.user) === undefined);
  return isPlain ? undefined : 'has characters that a Host line of ssh takes for something else';
}

/** What stands in a Host line and means nothing but itself there: no pattern, no option, no second word. */
function isServerName(text: string): boolean {
  if (text.includes(':')) return isScopedIpv6(text);
  return isIP(text) === 4 || /^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(text);
}

function whyNoUser(text: string): string | undefined {
  return /^[A-Za-z0-9_][A-Za-z0-9._@+-]{0,254}$/.test(text)
    ? undefined
    : 'is not the name of an account: letters, digits and . _ @ + -';
}

/** ssh expands `%`, `~` and `${}` in a path, and a shell what stands in ProxyCommand: these are quoted, or refused. */
function whyUnfitPath(text: string): string | undefined {
  if (text === '') return 'is empty; name a file';
  return /^[^\p{Cc}"'\\$`]+$/u.test(text)
    ? undefined
    : 'has a quote, a backslash, a $ or a control character in it';
}
