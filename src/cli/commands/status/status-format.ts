import { type Health, wordFor } from '../../../app/running-tunnels/health.ts';
import type { TunnelsNow, TunnelView } from '../../../app/running-tunnels/tunnel-views.ts';
import { formatDuration } from '../../../core/quantities.ts';
import { markOf } from '../../rendering/status-text.ts';
import type { Look } from '../../rendering/terminal.ts';

/** What a placeholder of `--format` stands for. */
interface Subject {
  readonly name: string;
  readonly health: Health;
  /** Undefined of a tunnel that is not up. */
  readonly tunnel: TunnelView | undefined;
  readonly look: Pick<Look, 'hasUnicode'>;
  readonly nowMs: number;
}

/** What `{...}` in `--format` may be. */
const PLACEHOLDERS: Readonly<Record<string, (subject: Subject) => string>> = {
  mark: ({ health, look }) => markOf(health, look),
  name: ({ name }) => name,
  health: ({ health }) => health,
  state: ({ tunnel }) => (tunnel === undefined ? 'not up' : wordFor(tunnel)),
  since: ({ tunnel, nowMs }) =>
    tunnel?.status == null ? '' : formatDuration(nowMs - tunnel.status.state.sinceMs),
  open: ({ tunnel }) =>
    tunnel?.status == null ? '0' : String(tunnel.status.flows.now - tunnel.status.flows.held),
  waiting: ({ tunnel }) => String(tunnel?.status?.flows.held ?? 0),
  rtt: ({ tunnel }) => {
    const roundTripMs = tunnel?.status?.roundTripMs ?? null;
    return roundTripMs === null ? '' : `${Math.round(roundTripMs)} ms`;
  },
  bastion: ({ tunnel }) => tunnel?.status?.bastion ?? '',
  problem: ({ tunnel }) => tunnel?.problems.find(({ level }) => level === 'problem')?.what ?? '',
};

/** The names of placeholders, for help. */
export const PLACEHOLDER_NAMES = Object.keys(PLACEHOLDERS);

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** @returns the placeholders in a text that there are not */
export function unknownPlaceholders(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].flatMap(([whole, name = '']) =>
    PLACEHOLDERS[name] === undefined ? [whole] : [],
  );
}

/** All tunnels in one line, as a prompt or a status bar shows it: each by the text, with blanks between. Empty where there is none. */
export function formatTunnels(
  { tunnels, down }: Pick<TunnelsNow, 'tunnels' | 'down'>,
  text: string,
  context: Pick<Subject, 'look' | 'nowMs'>,
): string {
  const subjects: readonly Subject[] = [
    ...tunnels.map((tunnel) => ({ ...context, name: tunnel.name, health: tunnel.health, tunnel })),
    ...down.map((name) => ({ ...context, name, health: 'down' as const, tunnel: undefined })),
  ];
  return subjects
    .map((subject) =>
      text.replace(
        PLACEHOLDER,
        (_, name: string) => PLACEHOLDERS[name]?.(subject).replaceAll('\n', ' ') ?? '',
      ),
    )
    .join(' ');
}
