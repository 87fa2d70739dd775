import { isMapping, type Layer, lookUp, type SourcedText } from './layers.ts';

/** The region that counts, with what the cloud says for it alone. */
interface ChosenRegion {
  readonly name: string | undefined;
  readonly layers: readonly Layer[];
}

/** The region, or the names to choose from when the wanted one is none of them. */
export type RegionResult =
  | { readonly kind: 'region'; readonly region: ChosenRegion }
  | { readonly kind: 'unknown'; readonly known: readonly string[]; readonly where: string };

/**
 * Chooses a region as openstacksdk does: the wanted one if the cloud has it, else the first of `regions`, else
 * `region_name`; the user's own files before the vendor's profile.
 */
export function chooseRegion(
  own: readonly Layer[],
  vendor: readonly Layer[],
  wanted: string | undefined,
): RegionResult {
  const regions = regionsOf(own) ?? regionsOf(vendor);
  if (regions === undefined || regions.list.length === 0) {
    return { kind: 'region', region: { name: wanted, layers: [] } };
  }
  const { list, where } = regions;
  const chosen = wanted === undefined ? list[0] : list.find(({ name }) => name === wanted);
  if (chosen === undefined) return { kind: 'unknown', known: list.map(({ name }) => name), where };
  return { kind: 'region', region: chosen };
}

interface Regions {
  readonly list: ReadonlyArray<{ readonly name: string; readonly layers: readonly Layer[] }>;
  readonly where: string;
}

function regionsOf(layers: readonly Layer[]): Regions | undefined {
  const regions = lookUp(layers, ['regions']);
  if (regions !== undefined && Array.isArray(regions.value)) {
    const list = (regions.value as readonly unknown[]).flatMap((item) => {
      if (!isMapping(item)) return [{ name: String(item), layers: [] }];
      const values = { value: item['values'], whereIs: () => regions.where };
      return [{ name: String(item['name']), layers: [values] }];
    });
    return { list, where: regions.where };
  }
  const names = lookUp(layers, ['region_name']);
  if (names === undefined) return undefined;
  const list = Array.isArray(names.value)
    ? (names.value as readonly unknown[])
    : String(names.value).split(',');
  return { list: list.map((name) => ({ name: String(name), layers: [] })), where: names.where };
}

/** Fills `{region_name}` and other settings of the cloud in, as Python's str.format does; the name that it has not, if any. */
export function fillIn(
  { text, where }: SourcedText,
  settings: (name: string) => string | undefined,
): { readonly filled: SourcedText; readonly missing: string | undefined } {
  let missing: string | undefined;
  const filled = text.replace(/\{([a-z0-9_]*)\}/gi, (_whole, name: string) => {
    const value = settings(name);
    if (value === undefined) missing ??= name;
    return value ?? '';
  });
  return { filled: { text: filled, where }, missing };
}
