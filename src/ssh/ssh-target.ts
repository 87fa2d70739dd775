import type { TshuttleError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { formatHostPort } from '../net/address/endpoint.ts';
import type { IpFamily } from '../net/address/literal.ts';

export const DEFAULT_SSH_PORT = 22;

/** The algorithm names offered to the bastion, the preferred first. */
export interface AlgorithmPreferences {
  readonly keyExchange: readonly string[];
  readonly hostKey: readonly string[];
  readonly cipher: readonly string[];
  readonly mac: readonly string[];
  readonly compression: readonly string[];
}

/** Everything needed to reach and authenticate at one bastion: the request completed by the ssh configuration. */
export interface SshTarget {
  /** What it is on the way, for messages. */
  readonly role: 'bastion' | 'jump host';
  /** As the user wrote it; may be a Host alias. */
  readonly requestedHost: string;
  /** The name or address to dial, in lower case (HostName). */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly proxy: ProxyRoute;
  readonly addressFamily: IpFamily | 'any';
  /** Local address to dial from. */
  readonly bindAddress: string | undefined;
  /** For each address in turn. */
  readonly connectTimeoutMs: number;
  readonly keepalive: KeepalivePolicy;
  readonly hostKeys: HostKeyPolicy;
  readonly authentication: AuthenticationPolicy;
  readonly algorithms: AlgorithmPreferences;
  readonly rekeyLimit: RekeyLimit;
  /** WarnWeakCrypto: whether it is said that what was agreed on is not post-quantum. */
  readonly warnsOfWeakCrypto: boolean;
  readonly openssh: OpensshSide;
}

/** Options that matter where the user's own ssh is used instead of ssh2. */
interface OpensshSide {
  /** IgnoreUnknown. */
  readonly ignoredKeywords: readonly string[];
  /** The options that ssh2 lacks and can do without. */
  readonly notInSsh2: readonly string[];
  /** Forwardings of the user's own that ClearAllForwardings keeps from being opened, `Keyword value` each. */
  readonly clearedForwardings: readonly string[];
  /** The options that ssh2 lacks and should not do without. */
  readonly needs: readonly OpensshNeed[];
}

/** Something of the configuration that only ssh itself can do. */
export interface OpensshNeed {
  /** As the configuration has it: `PKCS11Provider /usr/lib/opensc.so`. */
  readonly what: string;
  /** Where ssh2 has to do and must not do without; undefined where it may get by. */
  readonly error: TshuttleError | undefined;
}

/** What stands between us and the host. */
export type ProxyRoute =
  /** Nothing: it is dialled. */
  | { readonly kind: 'none' }
  /** Another ssh server, with a configuration, and perhaps a proxy, of its own. */
  | { readonly kind: 'jump'; readonly jumpHost: SshTarget }
  /** ProxyCommand, with its tokens expanded; run by the user's shell. */
  | { readonly kind: 'command'; readonly command: string }
  /** A SOCKS5 proxy, which resolves the name. */
  | { readonly kind: 'socks5'; readonly proxy: UpstreamProxy };

/** A SOCKS5 proxy (RFC 1928), with a login where it wants one (RFC 1929). */
export interface UpstreamProxy {
  readonly host: string;
  readonly port: number;
  readonly login: { readonly user: string; readonly password: Secret } | undefined;
}

/** The bastion is lost after `intervalMs * countMax` without a sign of life. */
export interface KeepalivePolicy {
  readonly intervalMs: number;
  readonly countMax: number;
}

/** RekeyLimit: after so much, or so long, keys are exchanged again; undefined leaves that to the bastion. */
export interface RekeyLimit {
  readonly bytes: number | undefined;
  readonly intervalMs: number | undefined;
}

/** How the bastion's host key is checked. */
export interface HostKeyPolicy {
  /** What the key is filed under: HostKeyAlias, `name`, or `[name]:port`. */
  readonly lookupName: string;
  /** The name to look under when `lookupName` has a port and is not filed: any port of the same host. */
  readonly lookupNameWithoutPort: string | undefined;
  /** What a host certificate must be for: HostKeyAlias, or the name without its port. */
  readonly certificateName: string;
  /** CASignatureAlgorithms: what the authority of a host certificate may sign with. */
  readonly authoritySignatureAlgorithms: readonly string[];
  /** A new key is written to the first. */
  readonly userFiles: readonly string[];
  readonly globalFiles: readonly string[];
  /** KnownHostsCommand: a program and its arguments, in which `%H`, `%I`, `%K`, `%f`, `%t` and `%%` are still to be replaced. */
  readonly knownHostsCommand: readonly string[] | undefined;
  /** What happens with a key that is not known; one that has changed or is revoked is always refused. */
  readonly unknownKey: 'refuse' | 'ask' | 'accept';
  /** HashKnownHosts. */
  readonly hashNewNames: boolean;
  /** UpdateHostKeys: whether the user's files follow when a trusted bastion says that it has other keys. */
  readonly updateKeys: 'no' | 'ask' | 'yes';
  /** RevokedHostKeys: lists of keys and certificates that are refused before all else. */
  readonly revokedKeyFiles: readonly string[];
  /** RequiredRSASize: a smaller RSA key is refused. */
  readonly requiredRsaBits: number;
}

/** The methods we can authenticate with (RFC 4252, RFC 4256). */
export type AuthenticationMethod = 'publickey' | 'keyboard-interactive' | 'password';

/** How we authenticate. */
export interface AuthenticationPolicy {
  /** In the order to try them; those switched off are not here. */
  readonly methods: readonly AuthenticationMethod[];
  /** From `user:password@host`: the first answer to a password prompt. */
  readonly password: Secret | undefined;
  /** How often a password may be asked for. */
  readonly promptCount: number;
  /** BatchMode: the user is never asked. */
  readonly batchMode: boolean;
  /** The agent's socket; undefined for none. */
  readonly agentSocket: string | undefined;
  /** Offer only the agent's keys that an identity file names. */
  readonly identitiesOnly: boolean;
  readonly identities: readonly IdentityFile[];
  /** PubkeyAcceptedAlgorithms: what a key may sign with; undefined where the user has not set it. */
  readonly acceptedAlgorithms: readonly string[] | undefined;
  /** RequiredRSASize: a smaller RSA key is not offered. */
  readonly requiredRsaBits: number;
  /** CertificateFile; those beside identity files are not here. */
  readonly certificateFiles: readonly string[];
}

/** A private key file, or a public one whose private half is in the agent. */
export interface IdentityFile {
  readonly path: string;
  /** `named` by the user, by option or configuration; `default` is one that OpenSSH tries by itself. */
  readonly origin: 'named' | 'default';
}

/** For people: `user@host:port`, without the port where it is 22. */
export function describeTarget(target: Pick<SshTarget, 'host' | 'port' | 'user'>): string {
  const host = target.port === DEFAULT_SSH_PORT ? target.host : formatHostPort(target.host, target.port);
  return `${target.user}@${host}`;
}

/** Names a target with what it is: `bastion me@gate.example:2222`, `jump host me@gate.example`. */
export function nameTarget(target: Pick<SshTarget, 'role' | 'host' | 'port' | 'user'>): string {
  return `${target.role} ${describeTarget(target)}`;
}
