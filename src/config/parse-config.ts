import type {
  Config,
  ConfigResult,
  DnsOption,
  LogFormat,
  Method,
  Mode,
  OnDown,
  OpenstackOption,
} from './config.ts';
import { parseDns } from './dns.ts';
import { Findings } from './findings.ts';
import { parseListenOption, parseMetrics, parseProxies, readProxyLogin } from './listeners.ts';
import { absolutePaths, type ToAbsolute } from './named-files.ts';
import { parseOpenstack } from './openstack.ts';
import { type PlaceOf, placeOnCommandLine } from './place.ts';
import type { ConfigSurroundings, RawOptions } from './raw-options.ts';
import { parseRemote, type Remote, withoutPassword } from './remote.ts';
import { withAbsolutePaths } from './ssh-option-paths.ts';
import { parseSubnetRules } from './subnet-rules.ts';
import { parseTransport, type TransportOption } from './transport.ts';
import { parseUpstreamProxy, type UpstreamProxyOption } from './upstream-proxy.ts';

/** What a number may be, and what it is where none is given. */
interface NumberBounds {
  readonly least: number;
  readonly most: number;
  readonly otherwise: number;
}

/** With more a bastion would take us for an attack. */
const CONNECTIONS: NumberBounds = { least: 1, most: 16, otherwise: 1 };

/** Most programs wait longer than 30 s for a connection, and people do not. */
const HOLD_SECONDS: NumberBounds = { least: 0, most: 3_600, otherwise: 30 };

/** Checks the whole command line and the files it names, and reports every problem at once. */
export function parseConfig(raw: RawOptions, surroundings: ConfigSurroundings): ConfigResult {
  return new ConfigParser(surroundings).parse(raw);
}

class ConfigParser {
  readonly #surroundings: ConfigSurroundings;
  readonly #placeOf: PlaceOf;
  readonly #toAbsolute: ToAbsolute;
  readonly #findings = new Findings();

  constructor(surroundings: ConfigSurroundings) {
    this.#surroundings = surroundings;
    this.#placeOf = surroundings.placeOf ?? placeOnCommandLine;
    this.#toAbsolute = absolutePaths(surroundings);
  }

  parse(raw: RawOptions): ConfigResult {
    const remote = this.#remote(raw.remote);
    const context = {
      findings: this.#findings,
      placeOf: this.#placeOf,
      toAbsolute: this.#toAbsolute,
      readTextFile: this.#surroundings.readTextFile,
      mayCaptureNothing: this.#surroundings.mayCaptureNothing ?? false,
    };
    const config = {
      identityFiles: raw.identityFiles.map((path) => this.#readable('-i', path)),
      sshOptions: raw.sshOptions.map((option) => this.#sshOption(option)),
      sshConfigFile: this.#sshConfigFile(raw.sshConfigFile),
      jump: this.#jump(raw.jump),
      upstreamProxy: this.#upstreamProxy(raw.upstreamProxy),
      transport: this.#transport(raw),
      subnets: parseSubnetRules(raw, context),
      listen: parseListenOption(raw.listen, context),
      method: this.#choice<Method>('--method', raw.method, ['auto', 'nft', 'iptables']),
      dns: this.#dns(raw),
      proxies: parseProxies(raw, context),
      proxyLogin: readProxyLogin(raw, context),
      openstack: this.#openstack(raw),
      metrics: parseMetrics(raw.metrics, context),
      ipv6: raw.ipv6,
      mayOpenSession: raw.mayOpenSession,
      connections: this.#number('--connections', raw.connections, CONNECTIONS),
      onDown: this.#choice<OnDown>('--on-down', raw.onDown, ['hold', 'reject', 'direct', 'exit']),
      holdSeconds: this.#number('--hold-seconds', raw.holdSeconds, HOLD_SECONDS),
      mode: this.#mode(raw),
      logFormat: this.#choice<LogFormat>('--log-format', raw.logFormat, ['auto', 'text', 'json']),
      verbosity: raw.verbosity,
    };
    const { problems, blame, warnings } = this.#findings;
    if (remote === undefined || problems.length > 0) return { kind: 'problems', problems, blame };
    return { kind: 'config', config: deepFreeze<Config>({ remote, ...config }), warnings };
  }

  #remote(text: string | undefined): Remote | undefined {
    if (text === undefined) {
      this.#wrong(this.#placeOf('-r'), 'is missing; name the bastion, as in -r user@bastion.example.com');
      return undefined;
    }
    const where = this.#placeOf('-r', withoutPassword(text, 'even without a host'));
    const result = parseRemote(text);
    if (result.kind === 'invalid') {
      this.#wrong(where, result.what);
      return undefined;
    }
    if (result.remote.password !== undefined) {
      const what = 'other users of this machine may have seen the password; leave it out to be asked for it';
      this.#findings.warn(where, what);
    }
    return result.remote;
  }

  #sshOption(text: string): string {
    if (!/^[A-Za-z][A-Za-z0-9]*(?:\s*=\s*|\s+)\S/.test(text)) {
      this.#wrong(this.#placeOf('-o', text), 'is not Key=Value, as in -o ConnectTimeout=10');
    }
    return withAbsolutePaths(text, this.#toAbsolute);
  }

  /** `none` stands for no file at all, as for ssh -F. */
  #sshConfigFile(path: string | undefined): string | undefined {
    if (path === undefined || path === 'none') return path;
    return this.#readable('-F', path);
  }

  /** @returns the absolute path */
  #readable(option: string, path: string): string {
    const absolute = this.#toAbsolute(path);
    const reason = this.#surroundings.whyUnreadable(absolute);
    if (reason !== undefined)
      this.#findings.badFile(this.#placeOf(option, path), `cannot be read: ${reason}`);
    return absolute;
  }

  #number(option: string, text: string | undefined, { least, most, otherwise }: NumberBounds): number {
    if (text === undefined) return otherwise;
    const isShort = text.length <= String(most).length;
    const value = isShort && /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    this.#wrong(this.#placeOf(option, text), `is not a number from ${least} to ${most}`);
    return otherwise;
  }

  #jump(text: string | undefined): string | undefined {
    if (text?.split(',').some((hop) => !/^[^\s-]\S*$/.test(hop))) {
      this.#wrong(this.#placeOf('-J', text), 'is not [user@]host[:port], several with commas between them');
    }
    return text;
  }

  #upstreamProxy(text: string | undefined): UpstreamProxyOption | undefined {
    if (text === undefined) return undefined;
    const where = this.#placeOf('--upstream-proxy', withoutPassword(text));
    const result = parseUpstreamProxy(text);
    if (result.kind === 'invalid') {
      this.#wrong(where, result.what);
      return undefined;
    }
    if (result.proxy.password !== undefined) {
      const what =
        'other users of this machine may have seen the password; TSHUTTLE_ARGS or a file @FILE hides it';
      this.#findings.warn(where, what);
    }
    return result.proxy;
  }

  #transport(raw: RawOptions): TransportOption {
    const { transport, problems, warnings } = parseTransport(raw, this.#toAbsolute, this.#placeOf);
    for (const { where, what } of problems) this.#wrong(where, what);
    for (const { where, what } of warnings) this.#findings.warn(where, what);
    return transport;
  }

  #dns(raw: RawOptions): DnsOption | undefined {
    const result = parseDns(raw, this.#placeOf);
    if (result.kind === 'dns') return result.dns;
    for (const { where, what } of result.problems) this.#wrong(where, what);
    return undefined;
  }

  #openstack(raw: RawOptions): OpenstackOption | undefined {
    const result = parseOpenstack(raw, { toAbsolute: this.#toAbsolute, placeOf: this.#placeOf });
    for (const { where, what } of result.problems) this.#wrong(where, what);
    return result.openstack;
  }

  /** The first choice is the default. */
  #choice<T extends string>(option: string, text: string | undefined, choices: readonly [T, ...T[]]): T {
    if (text === undefined) return choices[0];
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) this.#wrong(this.#placeOf(option, text), `is not one of ${choices.join(', ')}`);
    return choice ?? choices[0];
  }

  #mode(raw: RawOptions): Mode {
    const pidFile = raw.pidFile === undefined ? undefined : this.#toAbsolute(raw.pidFile);
    if (raw.pidFile === '') this.#wrong(this.#placeOf('--pidfile'), 'is empty; name a file');
    if (pidFile !== undefined && !raw.daemon) {
      this.#findings.warn(this.#placeOf('--pidfile', raw.pidFile), 'has no effect without -D');
    }
    if (raw.dryRun) return { kind: 'dry-run' };
    return raw.daemon ? { kind: 'daemon', pidFile } : { kind: 'foreground' };
  }

  #wrong(where: string, what: string): void {
    this.#findings.wrong(where, what);
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
