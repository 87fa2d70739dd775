import type { Layer } from './layers.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The name that openstacksdk gives to the cloud of the environment, unless OS_CLOUD_NAME says another. */
const DEFAULT_NAME = 'envvars';

/** These choose, or tell where to look; alone they make no cloud. */
const SELECTORS: ReadonlySet<string> = new Set([
  'OS_CLOUD',
  'OS_REGION_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_CLOUD_NAME',
]);

/** The name of the cloud that OS_* variables make. */
export function environmentCloudName(environment: Environment): string {
  return environment['OS_CLOUD_NAME'] || DEFAULT_NAME;
}

/**
 * What OS_* variables say, as openstacksdk takes them: all together are a cloud of their own, whichever they are; undefined
 * when there is none but those that choose.
 */
export function environmentLayer(environment: Environment): Layer | undefined {
  const variables = Object.keys(environment).filter(
    (name) => name.startsWith('OS_') && environment[name] !== undefined && !/^OS_(?:TEST|STD|LOG)/.test(name),
  );
  if (variables.every((name) => SELECTORS.has(name))) return undefined;
  const value = Object.fromEntries(
    variables.map((name) => [name.slice('OS_'.length).toLowerCase(), environment[name]]),
  );
  return { value, whereIs: ([key]) => (key === undefined ? 'OS_*' : `OS_${String(key).toUpperCase()}`) };
}
