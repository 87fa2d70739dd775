import type { Problem } from '../core/problem.ts';
import type { PlaceOf } from './place.ts';
import { withoutPassword } from './remote.ts';

/** What carries flows to the bastion: our own ssh connection, or the user's own ssh. */
export interface TransportOption {
  /** `auto`: ssh2, unless the ssh configuration or the bastion needs what only ssh itself has. */
  readonly kind: 'auto' | 'ssh2' | 'openssh';
  /** The control socket of an ssh that is up already, as an absolute path. */
  readonly controlPath: string | undefined;
  /** How ssh gets a connection of an application: by its descriptor, or by copying. */
  readonly carry: 'handover' | 'socks';
}

/** What {@link parseTransport} reads of the command line. */
export interface RawTransport {
  readonly transport?: string | undefined;
  readonly controlPath?: string | undefined;
  readonly opensshCarry?: string | undefined;
  readonly upstreamProxy?: string | undefined;
  readonly connections?: string | undefined;
}

/** The transport, with what is wrong and what the user should hear. */
export interface TransportResult {
  readonly transport: TransportOption;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const KINDS = ['auto', 'ssh2', 'openssh'] as const;
const CARRIES = ['socks', 'handover'] as const;

/** Checks `--transport`, `--control-path` and `--openssh-carry`, and what they cannot be combined with. */
export function parseTransport(
  raw: RawTransport,
  toPath: (text: string) => string,
  placeOf: PlaceOf,
): TransportResult {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const choice = <T extends string>(option: string, text: string | undefined, choices: readonly T[]) => {
    const found = choices.find((candidate) => candidate === text);
    if (text !== undefined && found === undefined) {
      problems.push({ where: placeOf(option, text), what: `is not one of ${choices.join(', ')}` });
    }
    return found;
  };
  const wanted = choice('--transport', raw.transport, KINDS);
  const carry = choice('--openssh-carry', raw.opensshCarry, CARRIES);
  const joins = raw.controlPath !== undefined;
  const where = placeOf('--control-path', raw.controlPath ?? '');
  if (raw.controlPath === '') problems.push({ where, what: 'is empty; name a control socket of ssh' });
  if (joins && wanted === 'ssh2') {
    problems.push({ where, what: 'is for --transport openssh, not ssh2' });
  }
  if (joins && carry === 'socks') {
    const what =
      'can only be joined with --openssh-carry handover: an ssh that is up opens no SOCKS socket for us';
    problems.push({ where, what });
  }
  const kind = joins ? 'openssh' : (wanted ?? 'auto');
  if (kind === 'ssh2' && carry !== undefined) {
    warnings.push({ where: placeOf('--openssh-carry', carry), what: 'has no effect with --transport ssh2' });
  }
  if (kind === 'openssh' && raw.upstreamProxy !== undefined) {
    const what =
      "is for --transport ssh2; for ssh set ProxyCommand, as in -o 'ProxyCommand=nc -X 5 -x PROXY:PORT %h %p'";
    problems.push({ where: placeOf('--upstream-proxy', withoutPassword(raw.upstreamProxy)), what });
  }
  if (kind === 'openssh' && raw.connections !== undefined) {
    warnings.push({
      where: placeOf('--connections', raw.connections),
      what: 'has no effect with --transport openssh',
    });
  }
  const transport: TransportOption = {
    kind,
    controlPath: raw.controlPath === undefined ? undefined : toPath(raw.controlPath),
    carry: joins ? 'handover' : (carry ?? CARRIES[0]),
  };
  return { transport, problems, warnings };
}
