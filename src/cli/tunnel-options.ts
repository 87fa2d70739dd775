import { Command } from 'commander';
import type { RawOptions } from '../config/raw-options.ts';
import { EXAMPLES, TEXTS } from './help-text.ts';

/** What commander makes of the options of a tunnel, which every command may read by `optsWithGlobals()`. */
export interface CommanderOptions {
  readonly remote?: string;
  readonly subnets?: readonly string[];
  readonly exclude?: readonly string[];
  readonly excludeFrom?: readonly string[];
  readonly identity?: readonly string[];
  readonly sshOption?: readonly string[];
  readonly sshConfig?: string;
  readonly jump?: string;
  readonly upstreamProxy?: string;
  readonly transport?: string;
  readonly controlPath?: string;
  readonly opensshCarry?: string;
  readonly listen?: string;
  readonly method?: string;
  readonly dns?: true;
  readonly nsHosts?: string;
  readonly toNs?: string;
  readonly domain?: readonly string[];
  readonly host?: readonly string[];
  readonly autoHosts?: true;
  readonly seedHosts?: string;
  readonly resolve?: string;
  readonly syntheticRange?: string;
  readonly socks?: readonly string[];
  readonly metrics?: string;
  readonly httpProxy?: readonly string[];
  readonly proxyAuth?: string;
  readonly disableIpv6?: true;
  readonly openstack?: string | true;
  readonly openstackCatalog?: string | true;
  readonly openstackInterface?: string;
  readonly openstackRegion?: string;
  /** Commander's default for `--no-session` is true. */
  readonly session: boolean;
  readonly connections?: string;
  readonly onDown?: string;
  readonly holdSeconds?: string;
  readonly daemon?: true;
  readonly pidfile?: string;
  readonly dryRun?: true;
  readonly logFormat?: string;
  readonly verbose: number;
}

/** The program with the options of a tunnel, which its commands take too, wherever they stand. */
export function describeProgram(version: string): Command {
  return new Command('tshuttle')
    .description(TEXTS.description)
    .usage('-r [USER@]HOST[:PORT] [options] SUBNET...')
    .argument('[SUBNET...]', TEXTS.subnet)
    .helpCommand(false)
    .optionsGroup('Bastion:')
    .option('-r, --remote <[USER@]HOST[:PORT]>', TEXTS.remote)
    .option('-i, --identity <FILE>', TEXTS.identity, collect)
    .option('-o, --ssh-option <KEY=VALUE>', TEXTS.sshOption, collect)
    .option('-F, --ssh-config <FILE>', TEXTS.sshConfig)
    .option('-J, --jump <HOP[,HOP...]>', TEXTS.jump)
    .option('--upstream-proxy <URL>', TEXTS.upstreamProxy)
    .option('--transport <KIND>', TEXTS.transport)
    .option('--control-path <PATH>', TEXTS.controlPath)
    .option('--openssh-carry <HOW>', TEXTS.opensshCarry)
    .option('--no-session', TEXTS.noSession)
    .option('--connections <N>', TEXTS.connections)
    .option('--on-down <WHAT>', TEXTS.onDown)
    .option('--hold-seconds <N>', TEXTS.holdSeconds)
    .optionsGroup('What is captured:')
    .option('-s, --subnets <FILE>', TEXTS.subnets, collect)
    .option('-x, --exclude <SUBNET>', TEXTS.exclude, collect)
    .option('-X, --exclude-from <FILE>', TEXTS.excludeFrom, collect)
    .option('--domain <ZONE>', TEXTS.domain, collect)
    .option('--resolve <WHO>', TEXTS.resolve)
    .option('--synthetic-range <NETWORK[,...]>', TEXTS.syntheticRange)
    .option('--host <NAME=IP>', TEXTS.host, collect)
    .option('-H, --auto-hosts', TEXTS.autoHosts)
    .option('--seed-hosts <NAME[,NAME...]>', TEXTS.seedHosts)
    .option('--dns', TEXTS.dns)
    .option('--ns-hosts <IP[,IP...]>', TEXTS.nsHosts)
    .option('--to-ns <IP[:PORT][,...]>', TEXTS.toNs)
    .option('--disable-ipv6', TEXTS.disableIpv6)
    .option('--openstack [CLOUD]', TEXTS.openstack)
    .option('--openstack-catalog [FROM]', TEXTS.openstackCatalog)
    .option('--openstack-interface <INTERFACE>', TEXTS.openstackInterface)
    .option('--openstack-region <REGION>', TEXTS.openstackRegion)
    .optionsGroup('How it is captured:')
    .option('--method <METHOD>', TEXTS.method)
    .option('-l, --listen <[IP:]PORT>', TEXTS.listen)
    .option('--dry-run', TEXTS.dryRun)
    .optionsGroup('Proxies, which need no root and no SUBNET:')
    .option('--socks <[IP:]PORT>', TEXTS.socks, collect)
    .option('--http-proxy <[IP:]PORT>', TEXTS.httpProxy, collect)
    .option('--proxy-auth <FILE>', TEXTS.proxyAuth)
    .optionsGroup('Running:')
    .option('-D, --daemon', TEXTS.daemon)
    .option('--pidfile <FILE>', TEXTS.pidfile)
    .option('-v, --verbose', TEXTS.verbose, (_value: unknown, count: number) => count + 1, 0)
    .option('--metrics <[IP:]PORT>', TEXTS.metrics)
    .option('--log-format <FORMAT>', TEXTS.logFormat)
    .version(`tshuttle ${version}`, '-V, --version', TEXTS.version)
    .helpOption('-h, --help', TEXTS.help)
    .addHelpText('after', EXAMPLES);
}

/** What was asked for a tunnel, as text. */
export function rawOptions(subnets: readonly string[], options: CommanderOptions): RawOptions {
  return {
    subnets,
    remote: options.remote,
    subnetFiles: options.subnets ?? [],
    excludes: options.exclude ?? [],
    excludeFiles: options.excludeFrom ?? [],
    identityFiles: options.identity ?? [],
    sshOptions: options.sshOption ?? [],
    sshConfigFile: options.sshConfig,
    jump: options.jump,
    upstreamProxy: options.upstreamProxy,
    transport: options.transport,
    controlPath: options.controlPath,
    opensshCarry: options.opensshCarry,
    listen: options.listen,
    method: options.method,
    dns: options.dns === true,
    nameservers: options.nsHosts,
    resolvers: options.toNs,
    domains: options.domain ?? [],
    hosts: options.host ?? [],
    autoHosts: options.autoHosts === true,
    seedHosts: options.seedHosts,
    resolve: options.resolve,
    syntheticRanges: options.syntheticRange,
    socks: options.socks ?? [],
    metrics: options.metrics,
    httpProxies: options.httpProxy ?? [],
    proxyLoginFile: options.proxyAuth,
    openstack: options.openstack,
    openstackCatalog: options.openstackCatalog,
    openstackInterface: options.openstackInterface,
    openstackRegion: options.openstackRegion,
    ipv6: options.disableIpv6 !== true,
    mayOpenSession: options.session,
    connections: options.connections,
    onDown: options.onDown,
    holdSeconds: options.holdSeconds,
    daemon: options.daemon === true,
    pidFile: options.pidfile,
    dryRun: options.dryRun === true,
    logFormat: options.logFormat,
    verbosity: options.verbose,
  };
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}
