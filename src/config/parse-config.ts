import { isDeepStrictEqual } from 'node:util';
import { MAX_SOURCES } from '../net/address/traffic-source.ts';
import type { Config, ConfigResult, Mode, OpenstackOption } from './config.ts';
import { dnsOf } from './dns.ts';
import { Findings } from './findings.ts';
import { forwardsOf } from './forwards.ts';
import { networkMapsOf } from './network-maps.ts';
import { type Locate, placeOnCommandLine } from './options/place.ts';
import { type ReadContext, readOptions } from './options/read-options.ts';
import {
  keysOfPart,
  nameOf,
  OPTION_KEYS,
  type OptionKey,
  type OptionValues,
  type OwnValues,
  type RawOptions,
  rowOf,
} from './options/table.ts';
import { absolutePaths } from './parse/files/named-files.ts';
import type { Bastions, Remote } from './parse/remote.ts';
import type { NamedFiles } from './parse/value-types.ts';
import { programsOf } from './programs.ts';
import { subnetRulesOf } from './subnet-rules.ts';
import { transportOf } from './transport.ts';

/** What `parseConfig` needs to know of the machine. */
export interface ConfigSurroundings extends Omit<NamedFiles, 'toAbsolute'> {
  /** For `~/` in arguments that no shell has expanded. */
  readonly homeDirectory: string;
  readonly workingDirectory: string;
  /** Where the options stand: on a command line, where nothing else is said. */
  readonly locate?: Locate;
  /** Only the way to the bastion is asked for, so that there need be nothing to capture. */
  readonly mayCaptureNothing?: boolean;
}

/** Checks the whole command line and the files it names, and reports every problem at once. */
export function parseConfig(
  raw: RawOptions,
  { locate = placeOnCommandLine, mayCaptureNothing = false, ...surroundings }: ConfigSurroundings,
): ConfigResult {
  const findings = new Findings();
  const context = { raw, findings, locate };
  const files = { ...surroundings, toAbsolute: absolutePaths(surroundings) };
  const values = readOptions(OPTION_KEYS, context, files);
  for (const key of OPTION_KEYS) {
    const row = rowOf(key);
    if ('required' in row && raw[key] === undefined)
      findings.wrong(locate(key), `is missing; ${row.required}`);
  }
  checkAlsoFrom(values, context);
  checkSessions(values, context);
  checkVerbosity(values, context);
  const remote = bastionsOf(values, context);
  const config = {
    transport: transportOf(values, context),
    subnets: subnetRulesOf(values, context, mayCaptureNothing),
    dns: dnsOf(values, context),
    openstack: openstackOf(values),
    programs: programsOf(values, context),
    namespace: namespaceOf(values, context),
    proxies: proxiesOf(values, context),
    forwards: forwardsOf(values, context),
    maps: networkMapsOf(values, context),
    mode: modeOf(values, context),
    ...ownOf(values),
  };
  const { problems, blame, warnings } = findings;
  if (remote === undefined || problems.length > 0) return { kind: 'problems', problems, blame };
  return { kind: 'config', config: deepFreeze<Config>({ remote, ...config }), warnings };
}

/** The values that stand in the configuration as they are. */
function ownOf(values: OptionValues): OwnValues {
  const isOwn = ([key]: readonly [string, unknown]): boolean => rowOf(key as OptionKey).partOf === undefined;
  return Object.fromEntries(Object.entries(values).filter(isOwn)) as unknown as OwnValues;
}

function checkAlsoFrom({ alsoFrom }: OptionValues, { findings, locate }: ReadContext): void {
  if (alsoFrom.length <= MAX_SOURCES) return;
  const what = `${alsoFrom.length} of them are more than ${MAX_SOURCES}; name several interfaces at once, as in br-*`;
  findings.wrong(locate('alsoFrom'), what);
}

function checkVerbosity({ quiet, verbosity }: OptionValues, { findings, locate }: ReadContext): void {
  if (quiet && verbosity > 0)
    findings.wrong(
      locate('quiet'),
      `says nothing but errors, and ${locate('verbosity')} says more; leave one out`,
    );
}

/** What cannot be had in a namespace is told with it. */
function namespaceOf(
  { namespaceName: name, namespacePid: pid, alsoFrom, udp }: OptionValues,
  { findings, locate }: ReadContext,
): Config['namespace'] {
  if (name === undefined && pid === undefined) return undefined;
  const option = locate(name === undefined ? 'namespacePid' : 'namespaceName');
  if (name !== undefined && pid !== undefined)
    findings.wrong(locate('namespacePid'), `cannot be combined with ${option}`);
  if (alsoFrom.length > 0)
    findings.wrong(locate('alsoFrom'), `cannot be combined with ${option}, which names whose are captured`);
  if (udp === 'relay')
    findings.wrong(locate('udp', udp), `cannot be combined with ${option}; use --udp reject`);
  return name === undefined ? { kind: 'process', pid: pid ?? 0 } : { kind: 'name', name };
}

/** What needs a session on the bastion. */
function checkSessions(values: OptionValues, { findings, locate }: ReadContext): void {
  const { autoNets, udp, mayOpenSession, transport, sshCommand } = values;
  const leaveOut = `leave out ${locate('mayOpenSession')}`;
  if (autoNets && !mayOpenSession)
    findings.wrong(locate('autoNets'), `asks the bastion for its routes by a session; ${leaveOut}`);
  if (udp !== 'relay') return;
  if (!mayOpenSession) findings.wrong(locate('udp', udp), `runs a program on the bastion; ${leaveOut}`);
  if (transport === 'openssh' || sshCommand !== undefined)
    findings.wrong(locate('udp', udp), 'is for --transport ssh2; use --udp reject');
}

/** More would keep those that wait from ever being told. */
const MAX_BASTIONS = 8;

/** Each once. */
function bastionsOf({ remote = [] }: OptionValues, { findings, locate }: ReadContext): Bastions | undefined {
  const isNew = (one: Remote, index: number): boolean =>
    remote.findIndex((other) => isDeepStrictEqual(one, other)) === index;
  const [first, ...standbys] = remote.filter(isNew);
  if (standbys.length >= MAX_BASTIONS)
    findings.wrong(locate('remote'), `names more than ${MAX_BASTIONS} bastions`);
  return first && { ...first, standbys };
}

function proxiesOf(values: OptionValues, { raw, findings, locate }: ReadContext): Config['proxies'] {
  const protocols = keysOfPart('proxies');
  if (raw.proxyLogin !== undefined && !protocols.some((protocol) => raw[protocol].length > 0)) {
    const what = `has no effect without ${protocols.map(nameOf).join(' or ')}`;
    findings.warn(locate('proxyLogin', raw.proxyLogin), what);
  }
  return protocols.flatMap((protocol) => values[protocol].map((place) => ({ protocol, ...place })));
}

function openstackOf(values: OptionValues): OpenstackOption | undefined {
  const { openstack, openstackCatalog: catalog, openstackRegion: region } = values;
  if (openstack === undefined) return undefined;
  return {
    cloud: openstack === true ? undefined : openstack,
    region,
    interface: values.openstackInterface,
    catalog: catalog === true ? { kind: 'credentials' } : catalog,
  };
}

function modeOf(
  { daemon, dryRun, pidFile, saveAs }: OptionValues,
  { raw, findings, locate }: ReadContext,
): Mode {
  if (saveAs !== undefined && dryRun)
    findings.wrong(
      locate('saveAs', saveAs),
      'waits for a tunnel, and --dry-run starts none; tshuttle config add does without',
    );
  if (raw.pidFile === '') findings.wrong(locate('pidFile'), 'is empty; name a file');
  if (raw.pidFile !== undefined && !daemon)
    findings.warn(locate('pidFile', raw.pidFile), 'has no effect without -D');
  if (dryRun) return { kind: 'dry-run' };
  return daemon ? { kind: 'daemon', pidFile } : { kind: 'foreground' };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
