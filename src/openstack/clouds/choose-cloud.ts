import type { Problem } from '../../core/problem.ts';
import { type AuthUrl, parseAuthUrl } from './auth-url.ts';
import { checkEntry } from './cloud-entry.ts';
import type { CloudSurroundings } from './cloud-files.ts';
import { type CloudSources, cloudNames, layersOf, readSources } from './cloud-sources.ts';
import { environmentCloudName, environmentLayer } from './environment-cloud.ts';
import { type Interface, parseInterfaces } from './interfaces.ts';
import { type Layer, lookUp, lookUpText } from './layers.ts';
import { chooseRegion, fillIn } from './regions.ts';
import { readServiceSettings, type SettingsByService } from './service-settings.ts';
import { vendorProfile } from './vendor-profiles.ts';

/** Which cloud is wanted; what is left out is as in the files and the environment. */
export interface CloudRequest {
  readonly cloud?: string | undefined;
  readonly region?: string | undefined;
}

/** A cloud as openstacksdk takes it from the files and the environment, without any secret. */
export interface Cloud {
  readonly name: string;
  readonly authUrl: AuthUrl;
  readonly region: string | undefined;
  /** The preferred one first. */
  readonly interfaces: readonly Interface[];
  /** Where it says something else for a service. */
  readonly services: SettingsByService;
  /** As written: relative to the working directory, perhaps with `~`. */
  readonly cacert: string | undefined;
  /** Whether its clients are told to take any certificate. */
  readonly isInsecure: boolean;
}

/** The cloud, or all that keeps it from being one. */
export type CloudResult =
  | {
      readonly kind: 'cloud';
      readonly cloud: Cloud;
      readonly layers: readonly Layer[];
      /** Files that are there and could not be read, and so count for nothing. */
      readonly unreadable: readonly Problem[];
    }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] };

/**
 * Chooses a cloud as openstacksdk does (`OpenStackConfig().get_one()`): clouds.yaml, secure.yaml over it, below both the
 * profile that it names; a cloud of OS_* variables counts where none is named.
 *
 * The layers in the result have secrets in them: not to be kept.
 */
export function chooseCloud(request: CloudRequest, surroundings: CloudSurroundings): CloudResult {
  const sources = readSources('openstacksdk', surroundings);
  const result = chooseOf(sources, request, surroundings);
  const { unreadable } = sources;
  return result.kind === 'problems'
    ? { kind: 'problems', problems: [...result.problems, ...unreadable] }
    : { ...result, unreadable: unreadable.filter(({ isThere }) => isThere) };
}

/** What {@link chooseCloud} finds, but for the files that it could not read. */
type Chosen =
  | Omit<Extract<CloudResult, { kind: 'cloud' }>, 'unreadable'>
  | Extract<CloudResult, { kind: 'problems' }>;

function chooseOf(sources: CloudSources, request: CloudRequest, surroundings: CloudSurroundings): Chosen {
  if (sources.problems.length > 0) return { kind: 'problems', problems: sources.problems };
  const located = locate(request, sources, surroundings);
  if (located.kind === 'problems') return located;
  const { name, own } = located;
  const shape = own.flatMap(checkEntry);
  if (shape.length > 0) return { kind: 'problems', problems: shape };
  const vendor = vendorLayers(own, sources, environmentCloudName(surroundings.environment));
  const region = chooseRegion(own, vendor, request.region);
  if (region.kind === 'unknown') {
    const what = `the cloud ${name} has no region ${request.region}, it has ${region.known.join(', ')}`;
    return { kind: 'problems', problems: [{ where: region.where, what }] };
  }
  const layers = [...vendor, ...own, ...region.region.layers];
  return complete(name, region.region.name, layers);
}

type Located =
  | { readonly kind: 'located'; readonly name: string; readonly own: readonly Layer[] }
  | Extract<CloudResult, { kind: 'problems' }>;

function locate(request: CloudRequest, sources: CloudSources, { environment }: CloudSurroundings): Located {
  const { clouds, secure, searched } = sources;
  const names = cloudNames([clouds, secure]);
  const ofEnvironment = environmentCloudName(environment);
  const file = clouds?.path ?? secure?.path ?? searched[0]!;
  if (names.includes(ofEnvironment)) {
    const what = `has a cloud ${ofEnvironment}, the name that openstacksdk has for OS_* variables; give it another`;
    return problem(file, what);
  }
  const layer = environmentLayer(environment);
  const only = names.length === 1 ? names[0] : undefined;
  const name = request.cloud ?? (environment['OS_CLOUD'] || (layer === undefined ? only : ofEnvironment));
  if (name === undefined) return noneChosen(names, file, searched);
  if (name === ofEnvironment && layer !== undefined) return { kind: 'located', name, own: [layer] };
  const own = layersOf([clouds, secure], name);
  if (own.length > 0) return { kind: 'located', name, own };
  if (names.length === 0)
    return problem(
      `the cloud ${name}`,
      `is not found: no clouds.yaml in ${searched.filter(isYaml).join(', ')}`,
    );
  return problem(`the cloud ${name}`, `is not in ${file}, which has ${names.join(', ')}`);
}

function noneChosen(names: readonly string[], file: string, searched: readonly string[]): Located {
  return names.length === 0
    ? problem(
        '--openstack',
        `finds no cloud: OS_AUTH_URL is not set, and there is none of ${searched.filter(isYaml).join(', ')}; ` +
          'source an openrc file, or put a clouds.yaml there',
      )
    : problem(
        '--openstack',
        `needs the name of a cloud, of those in ${file}: ${names.join(', ')}; or set OS_CLOUD`,
      );
}

function isYaml(path: string): boolean {
  return path.endsWith('.yaml');
}

function problem(where: string, what: string): Extract<CloudResult, { kind: 'problems' }> {
  return { kind: 'problems', problems: [{ where, what }] };
}

/** What the profile says that the cloud names, of clouds-public.yaml or else of those built in. */
function vendorLayers(own: readonly Layer[], sources: CloudSources, ofEnvironment: string): readonly Layer[] {
  const profile = (lookUpText(own, ['profile']) ?? lookUpText(own, ['cloud']))?.text;
  if (profile === undefined || profile === ofEnvironment) return [];
  const ofFile = layersOf([sources.publicClouds()], profile, 'public-clouds');
  if (ofFile.length > 0) return ofFile;
  const value = vendorProfile(profile);
  return value === undefined ? [] : [{ value, whereIs: () => `the profile ${profile} of openstacksdk` }];
}

function complete(name: string, region: string | undefined, layers: readonly Layer[]): Chosen {
  const settings = (key: string) => (key === 'region_name' ? region : lookUpText(layers, [key])?.text);
  const inAuth = lookUpText(layers, ['auth', 'auth_url']);
  const written = inAuth ?? lookUpText(layers, ['auth_url']);
  if (written === undefined) return problem(`the cloud ${name}`, whyNoAuthUrl(layers));
  const { filled, missing } =
    inAuth === undefined ? { filled: written, missing: undefined } : fillIn(written, settings);
  if (missing !== undefined)
    return problem(written.where, `auth_url needs {${missing}}, which the cloud ${name} does not say`);
  const parsed = parseAuthUrl(filled);
  if (parsed.kind === 'invalid') return problem(written.where, parsed.what);
  const wanted = lookUp(layers, ['endpoint_type']) ?? lookUp(layers, ['interface']);
  const interfaces = parseInterfaces(wanted?.value ?? 'public');
  if (interfaces === undefined)
    return problem(wanted!.where, 'interface is not one of public, internal, admin');
  const cloud: Cloud = {
    name,
    authUrl: parsed.authUrl,
    region,
    interfaces,
    services: readServiceSettings(layers),
    cacert: lookUpText(layers, ['cacert'])?.text,
    isInsecure: isTrue(lookUp(layers, ['insecure'])?.value) || isFalse(lookUp(layers, ['verify'])?.value),
  };
  return { kind: 'cloud', cloud, layers };
}

function whyNoAuthUrl(layers: readonly Layer[]): string {
  const profile = lookUpText(layers, ['profile']) ?? lookUpText(layers, ['cloud']);
  if (profile === undefined) return 'has no auth_url';
  return (
    `has no auth_url, and its profile ${profile.text} (${profile.where}) is neither in clouds-public.yaml ` +
    'nor one that tshuttle knows; write the auth_url into clouds.yaml'
  );
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true');
}

function isFalse(value: unknown): boolean {
  return value === false || (typeof value === 'string' && value.toLowerCase() === 'false');
}
