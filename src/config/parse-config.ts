import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, systemCodeOf } from '../core/errors.ts';
import type { Problem } from '../core/problem.ts';
import type {
  Config,
  ConfigResult,
  DnsOption,
  LogFormat,
  Method,
  Mode,
  OnDown,
  OpenstackOption,
  SubnetRule,
} from './config.ts';
import { hasZone, parseDns } from './dns.ts';
import { DEFAULT_LISTEN, type Listen, parseListen } from './listen.ts';
import { parseOpenstack } from './openstack.ts';
import { type PlaceOf, placeOnCommandLine } from './place.ts';
import {
  type ProxyListenOption,
  type ProxyLogin,
  parseProxyListen,
  parseProxyLogin,
} from './proxy-listen.ts';
import type { ConfigSurroundings, RawOptions } from './raw-options.ts';
import { parseRemote, type Remote, withoutPassword } from './remote.ts';
import { parseSubnet } from './subnet.ts';
import { parseSubnetFile } from './subnet-file.ts';
import { parseTransport, type TransportOption } from './transport.ts';
import { parseUpstreamProxy, type UpstreamProxyOption } from './upstream-proxy.ts';

/** Beyond this a bastion would take us for an attack. */
const MAX_CONNECTIONS = 16;

/** Most programs wait longer than that for a connection, and people do not. */
const DEFAULT_HOLD_SECONDS = 30;
const MAX_HOLD_SECONDS = 3_600;

/** Checks the whole command line and the files it names, and reports every problem at once. */
export function parseConfig(raw: RawOptions, surroundings: ConfigSurroundings): ConfigResult {
  return new ConfigParser(surroundings).parse(raw);
}

/** {@link ConfigSurroundings.whyUnreadable} on the file system. */
export function whyUnreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return 'there is no such file';
    return systemCodeOf(error) === 'EACCES' ? 'permission denied' : messageOf(error);
  }
}

class ConfigParser {
  readonly #surroundings: ConfigSurroundings;
  readonly #placeOf: PlaceOf;
  readonly #argumentProblems: Problem[] = [];
  readonly #fileProblems: Problem[] = [];
  readonly #warnings: Problem[] = [];

  constructor(surroundings: ConfigSurroundings) {
    this.#surroundings = surroundings;
    this.#placeOf = surroundings.placeOf ?? placeOnCommandLine;
  }

  parse(raw: RawOptions): ConfigResult {
    const remote = this.#remote(raw.remote);
    const config = {
      identityFiles: raw.identityFiles.map((path) => this.#identityFile(path)),
      sshOptions: raw.sshOptions.map((option) => this.#sshOption(option)),
      sshConfigFile: this.#sshConfigFile(raw.sshConfigFile),
      jump: this.#jump(raw.jump),
      upstreamProxy: this.#upstreamProxy(raw.upstreamProxy),
      transport: this.#transport(raw),
      subnets: this.#subnets(raw),
      listen: this.#listen(raw.listen),
      method: this.#choice<Method>('--method', raw.method, ['auto', 'nft', 'iptables']),
      dns: this.#dns(raw),
      proxies: [
        ...(raw.socks ?? []).flatMap((text) => this.#proxy('socks', text)),
        ...(raw.httpProxies ?? []).flatMap((text) => this.#proxy('http', text)),
      ],
      proxyLogin: this.#proxyLogin(raw),
      openstack: this.#openstack(raw),
      metrics: this.#metrics(raw.metrics),
      ipv6: raw.ipv6,
      mayOpenSession: raw.mayOpenSession,
      connections: this.#connections(raw.connections),
      onDown: this.#choice<OnDown>('--on-down', raw.onDown, ['hold', 'reject', 'direct', 'exit']),
      holdSeconds: this.#holdSeconds(raw.holdSeconds),
      mode: this.#mode(raw),
      logFormat: this.#choice<LogFormat>('--log-format', raw.logFormat, ['auto', 'text', 'json']),
      verbosity: raw.verbosity,
    };
    const problems = [...this.#argumentProblems, ...this.#fileProblems];
    if (remote === undefined || problems.length > 0) {
      return { kind: 'problems', problems, blame: this.#argumentProblems.length > 0 ? 'arguments' : 'files' };
    }
    return { kind: 'config', config: deepFreeze<Config>({ remote, ...config }), warnings: this.#warnings };
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
      this.#warnings.push({
        where,
        what: 'other users of this machine may have seen the password; leave it out to be asked for it',
      });
    }
    return result.remote;
  }

  #subnets(raw: RawOptions): SubnetRule[] {
    // A zone is something to capture, and so is a cloud; proxies need nothing captured.
    const { mayCaptureNothing = false } = this.#surroundings;
    const hasOther = mayCaptureNothing || hasZone(raw) || raw.openstack !== undefined || proxyCount(raw) > 0;
    if (raw.subnets.length === 0 && raw.subnetFiles.length === 0 && !hasOther) {
      this.#wrong(
        this.#placeOf('SUBNET'),
        'is missing; say what to capture, as in 10.0.0.0/24, or 0/0 for every IPv4 address',
      );
    }
    const catalogs = typeof raw.openstackCatalog === 'string' ? [raw.openstackCatalog] : [];
    if ([...raw.subnetFiles, ...raw.excludeFiles, ...catalogs].filter((path) => path === '-').length > 1) {
      this.#wrong('-', 'is given as a file more than once, but standard input can be read only once');
      return [];
    }
    const rules = [
      ...raw.subnets.flatMap((text) => this.#subnet('include', text, this.#placeOf('SUBNET', text))),
      ...raw.subnetFiles.flatMap((path) => this.#subnetFile('include', '-s', path)),
      ...raw.excludes.flatMap((text) => this.#subnet('exclude', text, this.#placeOf('-x', text))),
      ...raw.excludeFiles.flatMap((path) => this.#subnetFile('exclude', '-X', path)),
    ];
    const broken = this.#argumentProblems.length + this.#fileProblems.length > 0;
    if (!broken && !hasOther && !rules.some((rule) => rule.action === 'include')) {
      this.#fileProblems.push({
        where: this.#placeOf('-s', raw.subnetFiles.join(' -s ')),
        what: 'holds no subnet',
      });
    }
    return rules;
  }

  #subnet(action: SubnetRule['action'], text: string, where: string): SubnetRule[] {
    const subnet = parseSubnet(text);
    if (subnet.kind !== 'invalid') return [{ action, subnet, where }];
    this.#wrong(where, subnet.what);
    return [];
  }

  #subnetFile(action: SubnetRule['action'], option: string, path: string): SubnetRule[] {
    const file = this.#surroundings.readTextFile(path === '-' ? path : this.#path(path));
    if (file.kind === 'unreadable') {
      this.#fileProblems.push({ where: this.#placeOf(option, path), what: file.what });
      return [];
    }
    const { entries, problems } = parseSubnetFile(path === '-' ? 'standard input' : path, file.text);
    for (const problem of problems) this.#fileProblems.push(problem);
    return entries.map(({ subnet, where }) => ({ action, subnet, where }));
  }

  #identityFile(path: string): string {
    const absolute = this.#path(path);
    const reason = this.#surroundings.whyUnreadable(absolute);
    if (reason !== undefined)
      this.#fileProblems.push({ where: this.#placeOf('-i', path), what: `cannot be read: ${reason}` });
    return absolute;
  }

  #sshOption(text: string): string {
    if (!/^[A-Za-z][A-Za-z0-9]*(?:\s*=\s*|\s+)\S/.test(text)) {
      this.#wrong(this.#placeOf('-o', text), 'is not Key=Value, as in -o ConnectTimeout=10');
    }
    return text;
  }

  #connections(text: string | undefined): number {
    if (text === undefined) return 1;
    const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
    if (count >= 1 && count <= MAX_CONNECTIONS) return count;
    this.#wrong(this.#placeOf('--connections', text), `is not a number from 1 to ${MAX_CONNECTIONS}`);
    return 1;
  }

  #holdSeconds(text: string | undefined): number {
    if (text === undefined) return DEFAULT_HOLD_SECONDS;
    const seconds = /^\d{1,4}$/.test(text) ? Number(text) : MAX_HOLD_SECONDS + 1;
    if (seconds <= MAX_HOLD_SECONDS) return seconds;
    this.#wrong(this.#placeOf('--hold-seconds', text), `is not a number from 0 to ${MAX_HOLD_SECONDS}`);
    return DEFAULT_HOLD_SECONDS;
  }

  /** `none` stands for no file at all, as for ssh -F. */
  #sshConfigFile(path: string | undefined): string | undefined {
    if (path === undefined || path === 'none') return path;
    const absolute = this.#path(path);
    const reason = this.#surroundings.whyUnreadable(absolute);
    if (reason !== undefined)
      this.#fileProblems.push({ where: this.#placeOf('-F', path), what: `cannot be read: ${reason}` });
    return absolute;
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
      this.#warnings.push({ where, what });
    }
    return result.proxy;
  }

  #transport(raw: RawOptions): TransportOption {
    const { transport, problems, warnings } = parseTransport(raw, (path) => this.#path(path), this.#placeOf);
    for (const { where, what } of problems) this.#wrong(where, what);
    this.#warnings.push(...warnings);
    return transport;
  }

  #dns(raw: RawOptions): DnsOption | undefined {
    const result = parseDns(raw, this.#placeOf);
    if (result.kind === 'dns') return result.dns;
    for (const { where, what } of result.problems) this.#wrong(where, what);
    return undefined;
  }

  #proxy(protocol: ProxyListenOption['protocol'], text: string): ProxyListenOption[] {
    const result = parseProxyListen(text);
    if (result.kind === 'listen') return [{ protocol, address: result.address, port: result.port }];
    this.#wrong(this.#placeOf(protocol === 'socks' ? '--socks' : '--http-proxy', text), result.what);
    return [];
  }

  #proxyLogin(raw: RawOptions): ProxyLogin | undefined {
    if (raw.proxyLoginFile === undefined) return undefined;
    const where = this.#placeOf('--proxy-auth', raw.proxyLoginFile);
    if (proxyCount(raw) === 0)
      this.#warnings.push({ where, what: 'has no effect without --socks or --http-proxy' });
    const file = this.#surroundings.readTextFile(this.#path(raw.proxyLoginFile));
    const login = file.kind === 'unreadable' ? undefined : parseProxyLogin(file.text);
    if (login === undefined) {
      const what = file.kind === 'unreadable' ? file.what : 'does not begin with a line USER:PASSWORD';
      this.#fileProblems.push({ where, what });
    }
    return login;
  }

  #openstack(raw: RawOptions): OpenstackOption | undefined {
    const result = parseOpenstack(raw, { toAbsolute: (path) => this.#path(path), placeOf: this.#placeOf });
    for (const { where, what } of result.problems) this.#wrong(where, what);
    return result.openstack;
  }

  #metrics(text: string | undefined): Config['metrics'] {
    if (text === undefined) return undefined;
    const result = parseProxyListen(text);
    if (result.kind === 'listen') return { address: result.address, port: result.port };
    this.#wrong(this.#placeOf('--metrics', text), result.what);
    return undefined;
  }

  #listen(text: string | undefined): Listen {
    if (text === undefined) return DEFAULT_LISTEN;
    const result = parseListen(text);
    if (result.kind === 'listen') {
      this.#warnOfOutsideListener(text, result.listen);
      return result.listen;
    }
    this.#wrong(this.#placeOf('-l', text), result.what);
    return DEFAULT_LISTEN;
  }

  #warnOfOutsideListener(text: string, listen: Listen): void {
    const outside = [listen.address4, listen.address6].find(
      (address) => address === '0.0.0.0' || address === '::',
    );
    if (outside === undefined) return;
    const what = `only connections that this machine opens are captured; ${outside} serves nobody else`;
    this.#warnings.push({ where: this.#placeOf('-l', text), what });
  }

  /** The first choice is the default. */
  #choice<T extends string>(option: string, text: string | undefined, choices: readonly [T, ...T[]]): T {
    if (text === undefined) return choices[0];
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) this.#wrong(this.#placeOf(option, text), `is not one of ${choices.join(', ')}`);
    return choice ?? choices[0];
  }

  #mode(raw: RawOptions): Mode {
    const pidFile = raw.pidFile === undefined ? undefined : this.#path(raw.pidFile);
    if (raw.pidFile === '') this.#wrong(this.#placeOf('--pidfile'), 'is empty; name a file');
    if (pidFile !== undefined && !raw.daemon) {
      this.#warnings.push({
        where: this.#placeOf('--pidfile', raw.pidFile),
        what: 'has no effect without -D',
      });
    }
    if (raw.dryRun) return { kind: 'dry-run' };
    return raw.daemon ? { kind: 'daemon', pidFile } : { kind: 'foreground' };
  }

  #path(text: string): string {
    const { homeDirectory, workingDirectory } = this.#surroundings;
    return text.startsWith('~/') ? resolve(homeDirectory, text.slice(2)) : resolve(workingDirectory, text);
  }

  #wrong(where: string, what: string): void {
    this.#argumentProblems.push({ where, what });
  }
}

function proxyCount({ socks = [], httpProxies = [] }: RawOptions): number {
  return socks.length + httpProxies.length;
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
