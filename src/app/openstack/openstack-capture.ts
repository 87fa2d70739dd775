import { statSync } from 'node:fs';
import type { AuthHost, Config, OpenstackOption } from '../../config/config.ts';
import { parseDns } from '../../config/dns.ts';
import type { RawOptions } from '../../config/options/table.ts';
import { readTextFile } from '../../config/parse/files/text-file.ts';
import { parseSubnet, type SubnetRule } from '../../config/parse/networks/subnet.ts';
import { type LookUp, lookUpLocally } from '../../config/resolve-subnets.ts';
import { homeFolder } from '../../core/accounts.ts';
import { systemCodeOf } from '../../core/errors.ts';
import { START_FOLDER } from '../../core/files/start-folder.ts';
import type { Problem } from '../../core/problem.ts';
import { formatHostPort, type HostPort } from '../../net/address/endpoint.ts';
import { type Cloud, type CloudResult, chooseCloud } from '../../openstack/clouds/choose-cloud.ts';
import type { CloudSurroundings, FoundFile } from '../../openstack/clouds/cloud-files.ts';
import { describeDisagreement, disagreements } from '../../openstack/clouds/other-clients.ts';
import {
  type CatalogFilter,
  overriddenPlaces,
  readCatalog,
  type ServicePlace,
} from '../../openstack/keystone/catalog.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration with the cloud in it, or all that is wrong with the cloud. */
export type AddedOpenstack =
  | {
      readonly kind: 'config';
      readonly config: Config;
      readonly warnings: readonly Problem[];
      /** Says what was taken, and from where. */
      readonly line: string;
    }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/**
 * Adds what `--openstack` means to a configuration: the host of auth_url, or, where a file has the catalog, the places in it.
 * A host that this machine does not know becomes a zone: the bastion resolves it.
 */
export async function addOpenstack(
  config: Config,
  raw: RawOptions,
  environment: Environment,
  lookUp: LookUp = lookUpLocally,
): Promise<AddedOpenstack> {
  const option = config.openstack!;
  const surroundings = cloudSurroundings(environment);
  const result = chooseWantedCloud(option, surroundings);
  if (result.kind === 'problems') return result;
  const { cloud, unreadable } = result;
  const places = placesAtStart(cloud, option, environment);
  if ('problems' in places) return { kind: 'problems', problems: places.problems };
  const unknown = await unknownHere(places.list, lookUp);
  const dns = parseDns({ ...raw, zones: [...raw.zones, ...unknown] });
  if (dns.kind === 'invalid') return { kind: 'problems', problems: dns.problems };
  const known = places.list.filter(({ host }) => !unknown.includes(host));
  const taken = disagreements(cloud, surroundings)
    .filter(({ take }) => take.kind === 'auth-url')
    .map((one) => ({ where: whereOf(cloud), what: `${describeDisagreement(one)}, which is not captured` }));
  const warnings = [...unreadable, ...taken];
  return {
    kind: 'config',
    config: {
      ...config,
      openstack: {
        ...option,
        authHost: authHostOf(cloud, !unknown.includes(cloud.authUrl.host)),
      },
      subnets: [...config.subnets, ...subnetsOf(known, cloud, option)],
      dns: unknown.length > 0 ? dns.dns : config.dns,
    },
    warnings,
    line: `${whereOf(cloud)} is ${cloud.authUrl.url.href} (${cloud.authUrl.from})${describeUnknown(unknown)}`,
  };
}

/** The cloud that an option means, without any secret. */
export function chooseWantedCloud(option: OpenstackOption, surroundings: CloudSurroundings): CloudResult {
  return chooseCloud({ cloud: option.cloud, region: option.region }, surroundings);
}

/** What is asked of a catalog: the interface and region of the option, of OS_REGION_NAME, or of the cloud. */
export function wantedEndpoints(
  option: OpenstackOption,
  cloud: Cloud,
  environment: Environment,
): CatalogFilter {
  const region = option.region ?? (environment['OS_REGION_NAME'] || cloud.region);
  const interfaces = option.interface === undefined ? cloud.interfaces : [option.interface];
  return { interfaces, region, services: cloud.services };
}

/** This machine, as clients of OpenStack see it. */
export function cloudSurroundings(environment: Environment): CloudSurroundings {
  return {
    environment,
    homeDirectory: homeFolder(),
    workingDirectory: START_FOLDER,
    platform: process.platform,
    readFile,
  };
}

/** The rules for places: their exact ports where a catalog tells them, else all. */
export function subnetsOf(
  places: readonly HostPort[],
  cloud: Cloud,
  { catalog }: Pick<OpenstackOption, 'catalog'>,
): readonly SubnetRule[] {
  return places.flatMap(({ host, port }) => {
    const subnet = parseSubnet(catalog === undefined ? host : formatHostPort(host, port));
    return subnet.kind === 'invalid' ? [] : [{ action: 'include', subnet, where: whereOf(cloud) }];
  });
}

function authHostOf({ authUrl: { host, port, from: where } }: Cloud, isKnownHere: boolean): AuthHost {
  return { host, port, where, isKnownHere };
}

function whereOf({ name }: Cloud): string {
  return `--openstack ${name}`;
}

function readFile(path: string): FoundFile {
  let isThere = true;
  try {
    statSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) return { kind: 'absent' };
    isThere = false;
  }
  const file = readTextFile(path);
  return file.kind === 'text' ? file : { ...file, isThere };
}

type Places = { readonly list: readonly HostPort[] } | { readonly problems: readonly Problem[] };

function placesAtStart(cloud: Cloud, option: OpenstackOption, environment: Environment): Places {
  if (option.catalog?.kind !== 'file') return { list: withAuthHost(overriddenPlaces(cloud.services), cloud) };
  const file = readCatalogFile(option.catalog.path, wantedEndpoints(option, cloud, environment));
  return file.kind === 'problem' ? { problems: [file.problem] } : { list: withAuthHost(file.places, cloud) };
}

/** Reads a catalog that `openstack catalog list -f json` has printed; `-` is standard input, which is read once. */
export function readCatalogFile(
  path: string,
  filter: CatalogFilter,
):
  | { readonly kind: 'places'; readonly places: readonly ServicePlace[] }
  | { readonly kind: 'problem'; readonly problem: Problem } {
  const where = path === '-' ? 'standard input' : path;
  const problem = (what: string) => ({ kind: 'problem', problem: { where, what } }) as const;
  const file = readTextFile(path);
  if (file.kind === 'unreadable') return problem(file.what);
  let data: unknown;
  try {
    data = JSON.parse(file.text);
  } catch {
    return problem('is no JSON, as openstack catalog list -f json prints it');
  }
  const catalog = readCatalog(data, filter);
  return catalog.kind === 'places' ? catalog : problem(catalog.what);
}

/** The places of a catalog and, first, that of auth_url, each once. */
export function withAuthHost(places: readonly ServicePlace[], { authUrl }: Cloud): readonly HostPort[] {
  return [authUrl, ...places.filter(({ host, port }) => host !== authUrl.host || port !== authUrl.port)];
}

/** The hosts that have no address here. One whose resolver fails is not among them: it may be known later. */
async function unknownHere(places: readonly HostPort[], lookUp: LookUp): Promise<readonly string[]> {
  const hosts = [...new Set(places.map(({ host }) => host))];
  const answers = await Promise.all(
    hosts.map(async (host) => {
      try {
        return (await lookUp(host)).length === 0;
      } catch (error) {
        return systemCodeOf(error) === 'ENOTFOUND';
      }
    }),
  );
  return hosts.filter((_host, index) => answers[index]);
}

function describeUnknown(hosts: readonly string[]): string {
  if (hosts.length === 0) return '';
  return `; the bastion resolves ${hosts.join(', ')}, which this machine does not know`;
}
