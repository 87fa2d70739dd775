import { resolve } from 'node:path';
import { TshuttleError } from '../../core/errors.ts';
import { START_FOLDER } from '../../core/files/start-folder.ts';
import { Secret } from '../../core/secret.ts';
import {
  type AuthenticationMethod,
  type AuthenticationPolicy,
  DEFAULT_SSH_PORT,
  type IdentityFile,
  type SshTarget,
} from '../ssh-target.ts';
import { chooseAlgorithms } from './algorithms.ts';
import { clearedForwardings } from './config-effects.ts';
import { hostKeyPolicy, requiredRsaBits } from './host-key-policy.ts';
import { opensshNeeds } from './openssh-needs.ts';
import { expandPath, type PathTokens } from './path-tokens.ts';
import { type ConfiguredProxy, proxyFromConfig } from './proxy-from-config.ts';
import { rekeyLimit } from './rekey-limit.ts';
import type { SshRequest } from './request.ts';
import { configNumber, configSwitch, configValue, type SshConfigOutput } from './ssh-config-output.ts';
import { usualAgent } from './usual-agent.ts';

const DEFAULT_CONNECT_TIMEOUT_S = 10;

/** A dead bastion is noticed within 15 s, where the user has not set ServerAliveInterval. */
const DEFAULT_KEEPALIVE = { intervalS: 5, countMax: 3 };

/** The machine and account tshuttle runs on, as far as the ssh configuration depends on it. */
export interface LocalIdentity {
  /** Undefined for a user whom this machine has no account of. */
  readonly userName: string | undefined;
  readonly userId: number;
  readonly homeDirectory: string;
  readonly hostName: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Keywords without which the connection may still succeed, by another key or method. */
const IGNORED_KEYWORDS = ['PKCS11Provider'];

/** Switches about the host key that have no effect here; without them a key is asked about or refused at worst. */
const IGNORED_SWITCHES = [
  'CheckHostIP',
  'NoHostAuthenticationForLocalhost',
  'VerifyHostKeyDNS',
  'VisualHostKey',
];

/** A target without its place on the way, and the way to it as it is configured. */
export interface ConfiguredTarget {
  readonly target: Omit<SshTarget, 'proxy' | 'role'>;
  readonly proxy: ConfiguredProxy;
}

/**
 * Turns `ssh -G` into a target.
 *
 * @param configured `ssh -G` for the request, with the forwardings that ClearAllForwardings has cleared
 * @param builtIn `ssh -G -F none`: what OpenSSH does when nothing is configured
 * @throws TshuttleError ERR_CONFIG when the configuration asks for what tshuttle has not, and must not do without.
 */
export function targetFromConfig(
  request: SshRequest,
  configured: SshConfigOutput,
  builtIn: SshConfigOutput,
  local: LocalIdentity,
): ConfiguredTarget {
  // Not the name of an interface, behind a `%`.
  const host = (configValue(configured, 'hostname') ?? request.host).replace(/^[^%]*/, (name) =>
    name.toLowerCase(),
  );
  const port = configNumber(configured, 'port', DEFAULT_SSH_PORT);
  const user = configValue(configured, 'user') ?? local.userName ?? refuseNobody(request.host);
  const alias = configValue(configured, 'hostkeyalias');
  const tokens: PathTokens = {
    homeDirectory: local.homeDirectory,
    host,
    hostKeyAlias: alias ?? request.host,
    requestedHost: request.host,
    port,
    remoteUser: user,
    localUser: local.userName ?? String(local.userId),
    localUserId: local.userId,
    localHost: local.hostName,
  };
  const expandText = (text: string): string => expandPath(text, tokens, local.environment);
  // What a configuration file has relative is below the folder where we were started, as for ssh.
  const expandFile = (path: string): string => {
    const expanded = expandText(path);
    return isRelativeFile(expanded) ? resolve(START_FOLDER, expanded) : expanded;
  };
  const family = configValue(configured, 'addressfamily');
  const intervalS = configNumber(configured, 'serveraliveinterval', 0);
  const authentication = authenticationPolicy(request, configured, builtIn, local, expandFile);
  const target: ConfiguredTarget['target'] = {
    requestedHost: request.host,
    host,
    port,
    user,
    addressFamily: family === 'inet' ? 4 : family === 'inet6' ? 6 : 'any',
    bindAddress: configValue(configured, 'bindaddress'),
    connectTimeoutMs: timerMs(configNumber(configured, 'connecttimeout', 0), DEFAULT_CONNECT_TIMEOUT_S),
    keepalive: {
      intervalMs: timerMs(intervalS, DEFAULT_KEEPALIVE.intervalS),
      countMax: Math.max(1, configNumber(configured, 'serveralivecountmax', DEFAULT_KEEPALIVE.countMax)),
    },
    hostKeys: hostKeyPolicy(configured, { host, port, alias }, { expandText, expandFile }),
    authentication,
    algorithms: chooseAlgorithms(configured, builtIn),
    rekeyLimit: rekeyLimit(configured),
    warnsOfWeakCrypto: !/^(?:no|false|no-pq-kex)$/.test(configValue(configured, 'warnweakcrypto') ?? 'yes'),
    openssh: {
      ignoredKeywords: configured.get('ignoreunknown')?.flatMap((list) => list.split(',')) ?? [],
      notInSsh2: ignoredKeywords(configured, builtIn),
      clearedForwardings: clearedForwardings(configured),
      needs: opensshNeeds(request.host, configured, builtIn, authentication.methods),
    },
  };
  const proxy = proxyFromConfig(configured, tokens);
  return { target, proxy };
}

function refuseNobody(host: string): never {
  throw new TshuttleError(
    'ERR_CONFIG',
    `no user for ${host}: this machine has no account of yours to take the name from`,
    {
      remedy: `name one: -r USER@${host}`,
    },
  );
}

/** Not a word that stands for something else than a file, nor a variable of the environment. */
function isRelativeFile(value: string): boolean {
  return !/^(?:[/$]|$|(?:none|SSH_AUTH_SOCK)$)/.test(value);
}

/** What is so by default, as CheckHostIP was before OpenSSH 8.5, the user has not asked for. */
function ignoredKeywords(configured: SshConfigOutput, builtIn: SshConfigOutput): string[] {
  return [...IGNORED_KEYWORDS, ...IGNORED_SWITCHES].flatMap((keyword) => {
    const value = configValue(configured, keyword.toLowerCase());
    const isAsEver = value === configValue(builtIn, keyword.toLowerCase());
    const isOff = value === undefined || value === 'no' || value === 'false';
    return isOff || isAsEver ? [] : [`${keyword} ${value}`];
  });
}

function authenticationPolicy(
  request: SshRequest,
  configured: SshConfigOutput,
  builtIn: SshConfigOutput,
  local: LocalIdentity,
  expandFile: (path: string) => string,
): AuthenticationPolicy {
  const defaults = new Set(builtIn.get('identityfile') ?? []);
  const identities = (configured.get('identityfile') ?? [])
    .filter((path) => path.toLowerCase() !== 'none')
    .map(
      (path): IdentityFile => ({ path: expandFile(path), origin: defaults.has(path) ? 'default' : 'named' }),
    );
  return {
    methods: authenticationMethods(configured),
    password: request.password === undefined ? undefined : new Secret(request.password),
    promptCount: configNumber(configured, 'numberofpasswordprompts', 3),
    batchMode: configSwitch(configured, 'batchmode', false),
    agentSocket: agentSocket(configured, local, expandFile),
    identitiesOnly: configSwitch(configured, 'identitiesonly', false),
    identities: withoutRepetition(identities),
    acceptedAlgorithms: acceptedAlgorithms(configured, builtIn),
    requiredRsaBits: requiredRsaBits(configured),
    certificateFiles: (configured.get('certificatefile') ?? [])
      .filter((path) => path !== '' && path.toLowerCase() !== 'none')
      .map(expandFile),
  };
}

/** Before OpenSSH 8.5 it had another name. */
function acceptedAlgorithms(
  configured: SshConfigOutput,
  builtIn: SshConfigOutput,
): readonly string[] | undefined {
  const keyword = configured.has('pubkeyacceptedkeytypes')
    ? 'pubkeyacceptedkeytypes'
    : 'pubkeyacceptedalgorithms';
  const list = configValue(configured, keyword);
  return list === configValue(builtIn, keyword) ? undefined : list?.split(',');
}

const METHOD_SWITCHES: Readonly<Record<AuthenticationMethod, string>> = {
  publickey: 'pubkeyauthentication',
  'keyboard-interactive': 'kbdinteractiveauthentication',
  password: 'passwordauthentication',
};

function authenticationMethods(configured: SshConfigOutput): AuthenticationMethod[] {
  const available = Object.keys(METHOD_SWITCHES) as AuthenticationMethod[];
  const preferred = configValue(configured, 'preferredauthentications')?.split(',') ?? available;
  return preferred
    .flatMap((name) => available.filter((method) => method === name))
    .filter((method) => configured.get(METHOD_SWITCHES[method])?.[0] !== 'no')
    .filter((method) => configured.get(METHOD_SWITCHES[method])?.[0] !== 'false');
}

function agentSocket(
  configured: SshConfigOutput,
  local: LocalIdentity,
  expandFile: (path: string) => string,
): string | undefined {
  const configuredAgent = configured.get('identityagent')?.[0] ?? 'SSH_AUTH_SOCK';
  if (configuredAgent.toLowerCase() === 'none') return undefined;
  const socket =
    configuredAgent === 'SSH_AUTH_SOCK'
      ? usualAgent(local.environment)
      : configuredAgent.startsWith('$') && !configuredAgent.startsWith('${')
        ? local.environment[configuredAgent.slice(1)]
        : expandFile(configuredAgent);
  return socket === '' ? undefined : socket;
}

function withoutRepetition(identities: readonly IdentityFile[]): IdentityFile[] {
  return identities.filter(
    (one, index) => identities.findIndex((other) => other.path === one.path) === index,
  );
}

/** What a timer of Node's can wait for; more would be no wait at all. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** 0 stands for no limit in ssh_config(5): then ours counts. */
function timerMs(configuredS: number, defaultS: number): number {
  return Math.min((configuredS === 0 ? defaultS : configuredS) * 1000, MAX_TIMER_MS);
}
