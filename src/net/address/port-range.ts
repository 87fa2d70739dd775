/** TCP ports from `first` to `last`, both included, 1 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Every port. */
export const ALL_PORTS: PortRange = { first: 1, last: 65_535 };

/**
 * Parses `443` or `8000-9000`.
 *
 * @returns undefined when it is neither, is out of 1 to 65535, or runs backwards.
 */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** How many ports the range holds. */
export function portCount(ports: PortRange): number {
  return ports.last - ports.first + 1;
}

/** Renders `443` or `8000-9000`. */
export function formatPortRange(ports: PortRange): string {
  return ports.first === ports.last ? `${ports.first}` : `${ports.first}-${ports.last}`;
}
