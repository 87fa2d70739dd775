import * as v from 'valibot';
import type { Problem } from '../../core/problem.ts';
import type { KeyPath } from './cloud-document.ts';
import type { Layer } from './layers.ts';

const text = v.union([v.string(), v.number()], 'is not text');
const flag = v.union([v.boolean(), v.string()], 'is neither true nor false');
const mapping = v.record(v.string(), v.unknown(), 'is no mapping of names to values');

const interfaces = v.union([text, v.array(text)], 'is neither text nor a list of interfaces');

const auth = v.looseObject({ auth_url: v.nullish(text) }, 'is no mapping of names to values');

const region = v.union(
  [text, v.looseObject({ name: text, values: v.nullish(mapping) })],
  'is neither the name of a region nor a mapping with name and values',
);

/** What tshuttle reads of a cloud; whatever else stands there is for other programs. */
const entry = v.looseObject(
  {
    auth: v.nullish(auth),
    auth_url: v.nullish(text),
    profile: v.nullish(text),
    cloud: v.nullish(text),
    region_name: v.nullish(v.union([text, v.array(text)], 'is neither text nor a list of names')),
    regions: v.nullish(v.array(region, 'is no list of regions')),
    interface: v.nullish(interfaces),
    endpoint_type: v.nullish(interfaces),
    cacert: v.nullish(text),
    verify: v.nullish(flag),
    insecure: v.nullish(flag),
  },
  'is no mapping of names to values',
);

/** All that is wrong with the shape of a cloud in one file. No text of it holds a value, which may be a secret. */
export function checkEntry(layer: Layer): readonly Problem[] {
  const result = v.safeParse(entry, layer.value);
  return result.success
    ? []
    : result.issues.map((issue) => {
        const keys: KeyPath = (issue.path ?? []).map(({ key }) => key as string | number);
        const name = keys.length === 0 ? 'the cloud' : keys.join('.');
        return { where: layer.whereIs(keys), what: `${name} ${issue.message}` };
      });
}
