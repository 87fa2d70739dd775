import { formatBytes, formatDuration } from '../../../core/quantities.ts';
import { formatHostPort } from '../../../net/address/endpoint.ts';
import type { FlowEnding, FlowInfo } from '../../../tunnel/status/status.ts';

/** How many endings are told of a tunnel. */
const MAX_TOLD = 5;

/** The flows of a tunnel, the latest first. */
export interface KnownFlows {
  /** The tunnel's. */
  readonly name: string;
  readonly flows: readonly FlowInfo[];
  /** The last ones only. */
  readonly endings: readonly FlowEnding[];
}

/**
 * Says what a running tunnel does with connections to a destination, and how the last ones have ended; nothing where it has seen
 * none.
 *
 * @param hosts the destination by its name and its addresses
 * @param port undefined for all
 */
export function describeWhatHappened(
  hosts: readonly string[],
  port: number | undefined,
  { name, flows, endings }: KnownFlows,
  nowMs: number,
): readonly string[] {
  const leadsThere = ({ destination, address }: Pick<FlowInfo, 'destination' | 'address'>): boolean =>
    hosts.some((host) => isAt(destination, host, port)) ||
    (address !== null && hosts.includes(address) && (port === undefined || destination.endsWith(`:${port}`)));
  const now = flows.filter(leadsThere);
  const ended = endings.filter(leadsThere);
  const stages = STAGES.flatMap(([stage, words]) => {
    const count = now.filter((flow) => flow.stage === stage).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return [
    ...(stages.length === 0 ? [] : [`${name}: connections there now: ${stages.join(', ')}`]),
    ...ended.slice(0, MAX_TOLD).map(({ destination, why, endedAtMs, bytesUp, bytesDown }) => {
      const moved = `${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down`;
      return `${name}: ${formatDuration(nowMs - endedAtMs)} ago: ${destination}: ${why} (${moved})`;
    }),
  ];
}

const STAGES: ReadonlyArray<readonly [FlowInfo['stage'], string]> = [
  ['open', 'open'],
  ['opening', 'opened by the bastion just now'],
  ['held', 'waiting for the bastion'],
];

function isAt(destination: string, host: string, port: number | undefined): boolean {
  const anyPort = Number(destination.slice(destination.lastIndexOf(':') + 1));
  return destination.toLowerCase() === formatHostPort(host.toLowerCase(), port ?? anyPort);
}
