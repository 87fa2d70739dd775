import { formatHostPort } from '../../net/address/endpoint.ts';
import { type AuthUrl, isSamePlace, parseAuthUrl } from './auth-url.ts';
import { type Cloud, chooseCloud } from './choose-cloud.ts';
import type { CloudSurroundings } from './cloud-files.ts';
import { type CloudSources, cloudNames, layersOf, readSources } from './cloud-sources.ts';
import { environmentCloudName } from './environment-cloud.ts';
import { type Layer, lookUpText, type SourcedText } from './layers.ts';

/** The auth_url that a client takes, or why it takes none. */
type Take =
  | { readonly kind: 'auth-url'; readonly authUrl: AuthUrl }
  | { readonly kind: 'none'; readonly why: string };

/** A client that does not take the auth_url that openstacksdk does. */
export interface Disagreement {
  /** For people. */
  readonly client: string;
  readonly take: Take;
}

/** The clients that do not go where openstacksdk goes when they are told the same cloud, in the same environment. */
export function disagreements(cloud: Cloud, surroundings: CloudSurroundings): readonly Disagreement[] {
  const name = cloud.name === environmentCloudName(surroundings.environment) ? undefined : cloud.name;
  const takes: readonly Disagreement[] = [
    { client: 'the openstack command', take: takeOfCommandLine(cloud, surroundings) },
    { client: 'Terraform (gophercloud/utils)', take: takeOfGophercloudUtils(name, surroundings) },
    { client: 'gophercloud v2 (config/clouds)', take: takeOfGophercloudV2(name, surroundings) },
  ];
  return takes.filter(({ take }) => take.kind === 'none' || !isSamePlace(take.authUrl, cloud.authUrl));
}

/** Says a disagreement in one sentence. */
export function describeDisagreement({ client, take }: Disagreement): string {
  if (take.kind === 'none') return `${client} takes no auth_url: ${take.why}`;
  const { host, port, from } = take.authUrl;
  return `${client} takes another auth_url, ${formatHostPort(host, port)} (${from})`;
}

/** OS_AUTH_URL and OS_REGION_NAME are defaults of its options, which go before the files. */
function takeOfCommandLine(cloud: Cloud, surroundings: CloudSurroundings): Take {
  const { environment } = surroundings;
  const fromEnvironment = variable('OS_AUTH_URL', surroundings);
  if (fromEnvironment !== undefined) return parsed(fromEnvironment);
  const region = environment['OS_REGION_NAME'] || undefined;
  if (region === undefined) return { kind: 'auth-url', authUrl: cloud.authUrl };
  const chosen = chooseCloud({ cloud: cloud.name, region }, surroundings);
  return chosen.kind === 'cloud'
    ? { kind: 'auth-url', authUrl: chosen.cloud.authUrl }
    : { kind: 'none', why: `OS_REGION_NAME is ${region}, a region that the cloud ${cloud.name} has not` };
}

/** The file goes before OS_AUTH_URL, which fills what it leaves empty; without a name no file is read. */
function takeOfGophercloudUtils(name: string | undefined, surroundings: CloudSurroundings): Take {
  const fromEnvironment = variable('OS_AUTH_URL', surroundings);
  const otherwise = (why: string): Take =>
    fromEnvironment === undefined ? none(why) : parsed(fromEnvironment);
  if (name === undefined) return otherwise('OS_AUTH_URL is not set');
  const sources = readSources('gophercloud-utils', surroundings);
  const why = whyNotThere(name, sources);
  if (why !== undefined) return none(why);
  const own = layersOf([sources.clouds, sources.secure], name);
  const profile = (lookUpText(own, ['profile']) ?? lookUpText(own, ['cloud']))?.text;
  const vendor = profile === undefined ? [] : layersOf([sources.publicClouds()], profile, 'public-clouds');
  if (profile !== undefined && vendor.length === 0)
    return none(`the profile ${profile} is in no clouds-public.yaml that it reads`);
  return fromFiles([...vendor, ...own], () =>
    otherwise(`the cloud ${name} has no auth_url in what it reads`),
  );
}

/** No profiles, no OS_AUTH_URL, and no other place when OS_CLIENT_CONFIG_FILE is set. */
function takeOfGophercloudV2(name: string | undefined, surroundings: CloudSurroundings): Take {
  if (name === undefined) return none('it needs OS_CLOUD');
  const sources = readSources('gophercloud-v2', surroundings);
  const why = whyNotThere(name, sources);
  if (why !== undefined) return none(why);
  const layers = layersOf([sources.clouds], name);
  return fromFiles(layers, () => none(`the cloud ${name} has no auth_url in ${sources.clouds?.path}`));
}

function whyNotThere(
  name: string,
  { clouds, secure, searched, problems, unreadable: [unreadable] }: CloudSources,
): string | undefined {
  if (problems.length > 0) return `${problems[0]?.where} is no YAML`;
  if (clouds === undefined && unreadable !== undefined) return `${unreadable.where} ${unreadable.what}`;
  if (clouds === undefined) return `there is none of ${searched.join(', ')}`;
  return cloudNames([clouds, secure]).includes(name) ? undefined : `${clouds.path} has no cloud ${name}`;
}

function fromFiles(layers: readonly Layer[], otherwise: () => Take): Take {
  const written = lookUpText(layers, ['auth', 'auth_url']);
  return written === undefined ? otherwise() : parsed(written);
}

function variable(name: string, { environment }: CloudSurroundings): SourcedText | undefined {
  const text = environment[name];
  return text === undefined || text === '' ? undefined : { text, where: name };
}

function parsed(text: SourcedText): Take {
  const result = parseAuthUrl(text);
  return result.kind === 'invalid' ? none(`${text.where}: ${result.what}`) : result;
}

function none(why: string): Take {
  return { kind: 'none', why };
}
