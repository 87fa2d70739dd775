import { wordFor } from '../../../app/running-tunnels/health.ts';
import type { TunnelsNow } from '../../../app/running-tunnels/tunnel-views.ts';

/**
 * A line for each tunnel that is not up and well, with what to do.
 *
 * @param howToStart for where there is none
 */
export function whyNotUp({ tunnels, silent, down, over }: TunnelsNow, howToStart: string): string {
  const lines = [
    ...tunnels
      .filter(({ health }) => health !== 'up')
      .map((tunnel) => {
        const decisive = tunnel.problems.find(({ level }) => level === 'problem');
        const why = decisive === undefined ? '' : `: ${decisive.what}`;
        return `${tunnel.name}: ${wordFor(tunnel)}${why}${remedy(decisive?.remedy)}`;
      }),
    ...down.map((name) =>
      over.includes(name)
        ? `${name} is not up any more -> what it has logged: tshuttle logs ${name}`
        : `${name} is not up -> start it: tshuttle up ${name}`,
    ),
    ...silent.map(({ pid, path, reason, isOwn }) => {
      const who = pid === undefined ? path : `process ${pid}`;
      return `${who}: ${reason}${remedy(isOwn ? 'end it: tshuttle down --all' : null)}`;
    }),
  ];
  if (lines.length === 0) lines.push(`no tunnel is up -> ${howToStart}`);
  return lines.map((line) => `tshuttle: ${line}\n`).join('');
}

function remedy(text: string | null | undefined): string {
  return text == null ? '' : ` -> ${text}`;
}
