import { configSwitch, type SshConfigOutput } from './ssh-config-output.ts';

/** Options that are honoured, or applied by `ssh -G` itself; in lower case, as it prints them. */
const HONOURED: ReadonlySet<string> = new Set([
  ...['hostname', 'port', 'user', 'addressfamily', 'bindaddress', 'connecttimeout', 'compression'],
  ...['proxyjump', 'proxycommand', 'serveraliveinterval', 'serveralivecountmax'],
  ...['canonicalizehostname', 'canonicaldomains', 'canonicalizefallbacklocal', 'canonicalizemaxdots'],
  ...['canonicalizepermittedcnames', 'ignoreunknown'],
  ...[
    'hostkeyalias',
    'userknownhostsfile',
    'globalknownhostsfile',
    'knownhostscommand',
    'stricthostkeychecking',
  ],
  ...['revokedhostkeys', 'updatehostkeys', 'hashknownhosts', 'requiredrsasize', 'casignaturealgorithms'],
  ...['identityfile', 'certificatefile', 'identitiesonly', 'identityagent', 'preferredauthentications'],
  ...['pubkeyauthentication', 'passwordauthentication', 'kbdinteractiveauthentication', 'batchmode'],
  ...['numberofpasswordprompts', 'pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes'],
  ...['kexalgorithms', 'ciphers', 'macs', 'hostkeyalgorithms', 'warnweakcrypto', 'rekeylimit'],
]);

/** Options that concern ssh itself, by the reason why they have no effect here. */
const OF_SSH_ITSELF: ReadonlySet<string> = new Set([
  // The sessions of its user: there are none here.
  ...[
    'requesttty',
    'sessiontype',
    'stdinnull',
    'forkafterauthentication',
    'remotecommand',
    'sendenv',
    'setenv',
  ],
  ...['escapechar', 'enableescapecommandline', 'localcommand', 'permitlocalcommand', 'channeltimeout'],
  ...['xauthlocation', 'forwardx11', 'forwardx11trusted', 'forwardx11timeout', 'forwardagent'],
  // Forwardings of its own: those of a tunnel are made here.
  ...['localforward', 'remoteforward', 'dynamicforward', 'permitremoteopen', 'gatewayports'],
  ...['exitonforwardfailure', 'clearallforwardings', 'streamlocalbindmask', 'streamlocalbindunlink'],
  ...['tunnel', 'tunneldevice'],
  // Its own log: ours follows -v and --log-format.
  ...['loglevel', 'logverbose', 'syslogfacility', 'fingerprinthash'],
  // Other processes of its own: its masters, and an agent that is to have the key besides.
  ...['controlmaster', 'controlpath', 'controlpersist', 'addkeystoagent'],
  // Of Apple's ssh alone: its agent takes passphrases from the keychain by itself.
  'usekeychain',
]);

const MAX_VALUE_CHARACTERS = 80;

/** What a user's ssh configuration comes to, `Keyword value` each; what is as OpenSSH has it anyway is in none. */
export interface ConfigEffects {
  readonly used: readonly string[];
  /** These change what ssh would do, and nothing here. */
  readonly notUsed: readonly string[];
  /** Without values: they say nothing about the connection, and may hold what is nobody's business. */
  readonly ofSshItself: readonly string[];
}

/**
 * Sorts what the user has configured by what it does here.
 *
 * @param host as the user wrote it
 * @param configured `ssh -G` for the host
 * @param builtIn `ssh -G -F none`
 */
export function configEffects(
  host: string,
  configured: SshConfigOutput,
  builtIn: SshConfigOutput,
): ConfigEffects {
  const effects = { used: [] as string[], notUsed: [] as string[], ofSshItself: [] as string[] };
  for (const [printedKeyword, values] of configured) {
    const keyword = printedKeyword.toLowerCase();
    const isAsEver = values.join('\n') === (builtIn.get(keyword) ?? ['none']).join('\n');
    if (isAsEver || (keyword === 'hostname' && values[0] === host) || keyword === 'host') continue;
    const shown = values.join(', ');
    const text = `${keyword} ${shown.length > MAX_VALUE_CHARACTERS ? `${shown.slice(0, MAX_VALUE_CHARACTERS)}...` : shown}`;
    if (HONOURED.has(keyword)) effects.used.push(text);
    else if (OF_SSH_ITSELF.has(keyword)) effects.ofSshItself.push(keyword);
    else effects.notUsed.push(text);
  }
  return effects;
}

const FORWARDINGS = ['LocalForward', 'RemoteForward', 'DynamicForward'];

/**
 * The forwardings that ClearAllForwardings keeps from being opened, `Keyword value` each.
 *
 * @param configured with them, which `ssh -G` prints only where they are not cleared
 */
export function clearedForwardings(configured: SshConfigOutput): string[] {
  if (!configSwitch(configured, 'clearallforwardings', false)) return [];
  return FORWARDINGS.flatMap((keyword) =>
    (configured.get(keyword.toLowerCase()) ?? []).map((value) => `${keyword} ${value}`),
  );
}
