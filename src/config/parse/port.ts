import { type PortRange, parsePortRange } from '../../net/address/port-range.ts';

/** A port range, or in one sentence what is wrong with the text. */
export type PortsResult =
  | { readonly kind: 'ports'; readonly ports: PortRange }
  | { readonly kind: 'invalid'; readonly what: string };

/** Parses `443` or `8000-9000`, and says what is wrong otherwise. */
export function parsePorts(text: string): PortsResult {
  const ports = parsePortRange(text);
  return ports === undefined ? { kind: 'invalid', what: diagnosePorts(text) } : { kind: 'ports', ports };
}

/** A single port, or in one sentence what is wrong with the text. */
export function parsePort(
  text: string,
): { readonly kind: 'port'; readonly port: number } | { readonly kind: 'invalid'; readonly what: string } {
  const result = parsePorts(text);
  if (result.kind === 'invalid') return result;
  const { first, last } = result.ports;
  return text.includes('-') || first !== last
    ? { kind: 'invalid', what: `has the ports ${text}, but takes a single one` }
    : { kind: 'port', port: first };
}

function diagnosePorts(text: string): string {
  if (text === '') return 'has no port after the colon';
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  // Not shown: behind a colon may stand a password.
  if (match === null) return 'has a port that is no number; write it as in 443, or a range as in 8000-9000';
  const [, first = '', last] = match;
  const outside = [first, last].find(
    (port) => port !== undefined && (Number(port) < 1 || Number(port) > 65_535),
  );
  if (outside !== undefined) return `has the port ${outside}, which is not from 1 to 65535`;
  if (last !== undefined && Number(first) > Number(last)) {
    return `has a port range that runs backwards; write ${last}-${first}`;
  }
  return `has the port ${text}, which has too many digits`;
}
