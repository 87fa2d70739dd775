import { TshuttleError } from '../../core/errors.ts';

/** One `-o` option, in the form in which `ssh -G` would print it. */
export interface SshOption {
  /** In lower case. */
  readonly keyword: string;
  readonly value: string;
}

const TEXT = { pattern: /^.+$/, expected: 'a value' };
const SECONDS = { pattern: /^(?:\d{1,9}|none)$/i, expected: 'a number of seconds' };
const COUNT = { pattern: /^\d{1,9}$/, expected: 'a number' };
const SWITCH = { pattern: /^(?:yes|no|true|false)$/i, expected: 'yes or no' };

/** The keywords that mean something without `ssh`, and what their values look like; case does not matter in the latter. */
const VALUE_FORMS: Readonly<Record<string, { readonly pattern: RegExp; readonly expected: string }>> = {
  addressfamily: { pattern: /^(?:any|inet|inet6)$/i, expected: 'any, inet or inet6' },
  batchmode: SWITCH,
  bindaddress: TEXT,
  bindinterface: TEXT,
  connecttimeout: SECONDS,
  globalknownhostsfile: TEXT,
  hashknownhosts: SWITCH,
  hostkeyalias: TEXT,
  hostname: { pattern: /^[^\s-]\S*$/, expected: 'a host' },
  identitiesonly: SWITCH,
  identityagent: TEXT,
  identityfile: TEXT,
  kbdinteractiveauthentication: SWITCH,
  knownhostscommand: TEXT,
  numberofpasswordprompts: COUNT,
  passwordauthentication: SWITCH,
  port: { pattern: /^(?!0+$)\d{1,5}$/, expected: 'a port' },
  preferredauthentications: TEXT,
  proxycommand: TEXT,
  proxyjump: TEXT,
  pubkeyauthentication: SWITCH,
  revokedhostkeys: TEXT,
  serveralivecountmax: COUNT,
  serveraliveinterval: SECONDS,
  stricthostkeychecking: {
    pattern: /^(?:yes|no|true|false|ask|off|accept-new)$/i,
    expected: 'yes, no, ask or accept-new',
  },
  user: TEXT,
  userknownhostsfile: TEXT,
};

/**
 * Reads `Key=Value` or `Key Value`, as `-o` of ssh(1) takes them.
 *
 * @returns undefined for an option that is of no use without `ssh`
 * @throws TshuttleError ERR_CONFIG when the value is not one that the option can have.
 */
export function parseSshOption(text: string): SshOption | undefined {
  const [, name = '', rest = ''] = /^\s*(\w+)(?:\s*=\s*|\s+)?(.*?)\s*$/s.exec(text) ?? [];
  const keyword = name.toLowerCase();
  const form = Object.hasOwn(VALUE_FORMS, keyword) ? VALUE_FORMS[keyword] : undefined;
  if (form === undefined) return undefined;
  const value = rest.replace(/"([^"]*)"/g, '$1');
  if (!form.pattern.test(value)) {
    throw new TshuttleError('ERR_CONFIG', `-o ${text}: '${value}' is not ${form.expected}`, {
      remedy: `write -o ${name}=VALUE with ${form.expected}`,
    });
  }
  return { keyword, value: form === TEXT || keyword === 'hostname' ? value : value.toLowerCase() };
}
