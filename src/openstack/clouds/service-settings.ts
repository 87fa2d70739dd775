import { hostPortOf } from './auth-url.ts';
import { type Interface, parseInterfaces } from './interfaces.ts';
import { keysOf, type Layer, lookUp, lookUpText } from './layers.ts';
import { keyPrefixes, officialType } from './service-types.ts';

/** The settings of one service of a cloud. */
interface ServiceSettings {
  /** `SERVICE_interface`, `SERVICE_endpoint_type`. */
  readonly interfaces: readonly Interface[] | undefined;
  /** `SERVICE_region_name`. */
  readonly region: string | undefined;
  /** `SERVICE_endpoint_override`, `SERVICE_endpoint`: counts in place of what a catalog has. */
  readonly endpoint: URL | undefined;
}

/** By the service's official type. */
export type SettingsByService = ReadonlyMap<string, ServiceSettings>;

const KEY = /^(.+?)[-_](?:interface|endpoint[-_]type|region[-_]name|endpoint(?:[-_]override)?)$/;

/** Reads what openstacksdk looks up for a service before what holds for all (`CloudRegion.get_interface` and the like). */
export function readServiceSettings(layers: readonly Layer[]): SettingsByService {
  const names = layers.flatMap(({ value }) => keysOf(value)).flatMap((key) => KEY.exec(key)?.[1] ?? []);
  const settings = new Map<string, ServiceSettings>();
  for (const type of new Set(names.map(officialType))) {
    const first = <T>(find: (prefix: string) => T | undefined): T | undefined => {
      for (const prefix of keyPrefixes(type)) {
        const found = find(prefix);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const text = (...suffixes: readonly string[]) => {
      for (const suffix of suffixes) {
        const found = first((prefix) => lookUpText(layers, [`${prefix}_${suffix}`])?.text);
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const endpoint = text('endpoint_override', 'endpoint');
    settings.set(type, {
      interfaces: first(
        (prefix) =>
          parseInterfaces(lookUp(layers, [`${prefix}_endpoint_type`])?.value) ??
          parseInterfaces(lookUp(layers, [`${prefix}_interface`])?.value),
      ),
      region: text('region_name'),
      endpoint: endpoint === undefined ? undefined : serviceUrl(endpoint),
    });
  }
  return settings;
}

/** With `%(project_id)s` and the like in its path as they are written: only where it leads matters. */
function serviceUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url === undefined || hostPortOf(url) === undefined ? undefined : url;
}
