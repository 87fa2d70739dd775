import type { Problem } from '../../core/problem.ts';
import type { Config } from '../config.ts';
import { parseConfig } from '../parse-config.ts';
import type { PlaceOf } from '../place.ts';
import type { ConfigSurroundings, RawOptions } from '../raw-options.ts';
import { parseRemote, withoutPassword } from '../remote.ts';
import { parseUpstreamProxy } from '../upstream-proxy.ts';
import { byPlace } from './profile-document.ts';
import { type Origin, projectProblems } from './project-restrictions.ts';
import type { ProfileOptions } from './schema.ts';

/** What the command line calls the options of a profile. */
const OPTION_NAMES: Readonly<Record<keyof ProfileOptions, string>> = {
  remote: '-r',
  identity: '-i',
  ssh_options: '-o',
  ssh_config: '-F',
  jump: '-J',
  upstream_proxy: '--upstream-proxy',
  transport: '--transport',
  control_path: '--control-path',
  openssh_carry: '--openssh-carry',
  session: '--no-session',
  connections: '--connections',
  on_down: '--on-down',
  hold_seconds: '--hold-seconds',
  subnets: 'SUBNET',
  subnets_from: '-s',
  excludes: '-x',
  excludes_from: '-X',
  zones: '--domain',
  resolve: '--resolve',
  synthetic_range: '--synthetic-range',
  hosts: '--host',
  auto_hosts: '-H',
  seed_hosts: '--seed-hosts',
  dns: '--dns',
  ns_hosts: '--ns-hosts',
  to_ns: '--to-ns',
  openstack: '--openstack',
  openstack_catalog: '--openstack-catalog',
  openstack_interface: '--openstack-interface',
  openstack_region: '--openstack-region',
  ipv6: '--disable-ipv6',
  method: '--method',
  listen: '-l',
  socks: '--socks',
  metrics: '--metrics',
  http_proxy: '--http-proxy',
  proxy_auth: '--proxy-auth',
  verbose: '-v',
  log_format: '--log-format',
};

/** The profile as options of a command line, for a tunnel in the background. */
function rawOptionsOf(profile: ProfileOptions): RawOptions {
  // Required: whoever adds an option to the command line says here what a profile calls it.
  const raw: Required<RawOptions> = {
    remote: profile.remote,
    identityFiles: profile.identity ?? [],
    sshOptions: profile.ssh_options ?? [],
    sshConfigFile: profile.ssh_config,
    jump: profile.jump,
    upstreamProxy: profile.upstream_proxy,
    transport: profile.transport,
    controlPath: profile.control_path,
    opensshCarry: profile.openssh_carry,
    mayOpenSession: profile.session ?? true,
    connections: profile.connections?.toString(),
    onDown: profile.on_down,
    holdSeconds: profile.hold_seconds?.toString(),
    subnets: profile.subnets ?? [],
    subnetFiles: withoutInput(profile.subnets_from),
    excludes: profile.excludes ?? [],
    excludeFiles: withoutInput(profile.excludes_from),
    domains: profile.zones ?? [],
    resolve: profile.resolve,
    syntheticRanges: profile.synthetic_range?.join(','),
    hosts: profile.hosts ?? [],
    autoHosts: profile.auto_hosts ?? false,
    seedHosts: profile.seed_hosts?.join(','),
    dns: profile.dns ?? false,
    nameservers: profile.ns_hosts?.join(','),
    resolvers: profile.to_ns?.join(','),
    openstack: profile.openstack,
    openstackCatalog: profile.openstack_catalog === '-' ? undefined : profile.openstack_catalog,
    openstackInterface: profile.openstack_interface,
    openstackRegion: profile.openstack_region,
    ipv6: profile.ipv6 ?? true,
    method: profile.method,
    listen: profile.listen,
    socks: profile.socks ?? [],
    metrics: profile.metrics,
    httpProxies: profile.http_proxy ?? [],
    proxyLoginFile: profile.proxy_auth,
    verbosity: profile.verbose ?? 0,
    logFormat: profile.log_format,
    daemon: true,
    pidFile: undefined,
    dryRun: false,
  };
  return raw;
}

/** `-` is standard input, which nothing but a command line has. */
function withoutInput(files: readonly string[] = []): readonly string[] {
  return files.filter((file) => file !== '-');
}

/** Where a key of a profile stands, or one of its items. */
type PlaceInFile = (path: ReadonlyArray<string | number>) => string;

/** A profile, or all that is wrong with it. */
export type ProfileConfig =
  | {
      readonly kind: 'config';
      readonly config: Config;
      /** The same as options of a command line. */
      readonly raw: RawOptions;
      readonly warnings: readonly Problem[];
    }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/**
 * Turns a profile into what the same options on a command line come to.
 *
 * @param placeOf where a key of the profile stands, or one of its items
 * @param surroundings whose `workingDirectory` is the folder of the file
 */
export function configOfProfile(
  profile: ProfileOptions,
  origin: Origin,
  placeOf: PlaceInFile,
  surroundings: Omit<ConfigSurroundings, 'placeOf'>,
): ProfileConfig {
  const problems = [
    ...secretProblems(profile, placeOf),
    ...inputProblems(profile, placeOf),
    ...(origin === 'project' ? projectProblems(profile, placeOf) : []),
  ];
  const raw = rawOptionsOf(profile);
  const result = parseConfig(raw, { ...surroundings, placeOf: placesOf(profile, placeOf) });
  if (result.kind === 'problems') problems.push(...result.problems);
  return problems.length > 0 || result.kind === 'problems'
    ? { kind: 'problems', problems: problems.sort(byPlace) }
    : { ...result, raw };
}

/** A key, and an item of it where that is known by its text. */
function placesOf(profile: ProfileOptions, placeOf: PlaceInFile): PlaceOf {
  return (option, text) => {
    const key = keyOf(option);
    if (key === undefined) return `${placeOf([])} ${option}`;
    const value = profile[key];
    const index = Array.isArray(value) && text !== undefined ? value.indexOf(text) : -1;
    const shown = text === undefined ? '' : ` ${withoutPassword(text)}`;
    return `${placeOf(index < 0 ? [key] : [key, index])} ${key}${shown}`;
  };
}

function keyOf(option: string): keyof ProfileOptions | undefined {
  return (Object.keys(OPTION_NAMES) as Array<keyof ProfileOptions>).find(
    (key) => OPTION_NAMES[key] === option,
  );
}

function secretProblems({ remote, upstream_proxy: proxy }: ProfileOptions, placeOf: PlaceInFile): Problem[] {
  const problems: Problem[] = [];
  const parsedRemote = parseRemote(remote);
  if (parsedRemote.kind === 'remote' && parsedRemote.remote.password !== undefined) {
    const what = 'has a password, which does not belong in a file; leave it out to be asked for it';
    problems.push({ where: `${placeOf(['remote'])} remote`, what });
  }
  const parsedProxy = proxy === undefined ? undefined : parseUpstreamProxy(proxy);
  if (parsedProxy?.kind === 'proxy' && parsedProxy.proxy.password !== undefined) {
    const what =
      'has a password, which does not belong in a file; on a command line TSHUTTLE_ARGS can hold it';
    problems.push({ where: `${placeOf(['upstream_proxy'])} upstream_proxy`, what });
  }
  return problems;
}

function inputProblems(profile: ProfileOptions, placeOf: PlaceInFile): Problem[] {
  const what = 'is standard input, which a profile has not; name a file';
  const problems: Problem[] = (['subnets_from', 'excludes_from'] as const).flatMap((key) => {
    const index = profile[key]?.indexOf('-') ?? -1;
    return index < 0 ? [] : [{ where: `${placeOf([key, index])} ${key} -`, what }];
  });
  if (profile.openstack_catalog === '-') {
    problems.push({ where: `${placeOf(['openstack_catalog'])} openstack_catalog -`, what });
  }
  return problems;
}
