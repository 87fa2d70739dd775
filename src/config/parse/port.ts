import { type PortRange, parsePortRange } from '../../net/address/port-range.ts';
import { Invalid } from './invalid.ts';

/** Parses `443` or `8000-9000`. */
export function parsePorts(text: string): PortRange | Invalid {
  return parsePortRange(text) ?? new Invalid(diagnosePorts(text));
}

/** Parses a single port. */
export function parsePort(text: string): number | Invalid {
  const ports = parsePorts(text);
  if (ports instanceof Invalid) return ports;
  return text.includes('-') || ports.first !== ports.last
    ? new Invalid(`has the ports ${text}, but takes a single one`)
    : ports.first;
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
  if (outside !== undefined) return `${outside} is no port; write one from 1 to 65535`;
  if (last !== undefined && Number(first) > Number(last)) {
    return `has a port range that runs backwards; write ${last}-${first}`;
  }
  return `has the port ${text}, which has too many digits`;
}
