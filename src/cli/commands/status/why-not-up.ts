import { wordFor } from '../../../app/running-tunnels/health.ts';
import type { TunnelsNow } from '../../../app/running-tunnels/tunnel-views.ts';

/** A line for each tunnel that is not up and well, with what to do. */
export function whyNotUp({ tunnels, silent, down }: TunnelsNow): string {
  const lines = [
    ...tunnels
      .filter(({ health }) => health !== 'up')
      .map((tunnel) => {
        const decisive = tunnel.problems.find(({ level }) => level === 'problem');
        const why = decisive === undefined ? '' : `: ${decisive.what}`;
        return `${tunnel.name}: ${wordFor(tunnel)}${why}${remedy(decisive?.remedy)}`;
      }),
    ...down.map((name) => `${name} is not up -> start it: tshuttle up ${name}`),
    ...silent.map(({ pid, path, reason, isOwn }) => {
      const who = pid === undefined ? path : `process ${pid}`;
      return `${who}: ${reason}${remedy(isOwn ? 'end it: tshuttle down --all' : null)}`;
    }),
  ];
  if (lines.length === 0) lines.push('no tunnel is up -> start one: tshuttle up NAME');
  return lines.map((line) => `tshuttle: ${line}\n`).join('');
}

function remedy(text: string | null | undefined): string {
  return text == null ? '' : ` -> ${text}`;
}
