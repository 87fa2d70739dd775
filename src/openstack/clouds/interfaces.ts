/** Which interface of a service is meant. */
export type Interface = 'public' | 'internal' | 'admin';

/**
 * Reads one interface or several, the preferred one first: `public`, `internal`, `admin`, or `publicURL` and the like.
 *
 * @returns undefined when none of them is one
 */
export function parseInterfaces(value: unknown): readonly Interface[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const known = list.flatMap((one) => (typeof one === 'string' ? (parseInterface(one) ?? []) : []));
  return known.length === 0 ? undefined : known;
}

function parseInterface(text: string): Interface | undefined {
  const name = text.replace(/URL$/, '');
  return name === 'public' || name === 'internal' || name === 'admin' ? name : undefined;
}
