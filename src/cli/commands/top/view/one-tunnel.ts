import type { TopDocument } from '../document/top-document.ts';

/** The document of one of its tunnels alone; of one that has ended meanwhile, that it is not up. */
export function oneTunnel(document: TopDocument, name: string): TopDocument {
  const isOf = ({ tunnel }: { readonly tunnel: string }): boolean => tunnel === name;
  const tunnels = document.tunnels.filter((tunnel) => tunnel.name === name);
  const failures = document.failures.filter(isOf);
  const sum = (of: (tunnel: TopDocument['tunnels'][number]) => number | undefined): number =>
    tunnels.reduce((total, tunnel) => total + (of(tunnel) ?? 0), 0);
  return {
    ...document,
    tunnels,
    failures,
    flows: document.flows.filter(isOf),
    totals: {
      tunnels: tunnels.length,
      flows: sum(({ status }) => status?.flows.now),
      held: sum(({ status }) => status?.flows.held),
      bytesUp: sum(({ status }) => status?.bytesUp),
      bytesDown: sum(({ status }) => status?.bytesDown),
      upBytesPerSec: sum(({ upBytesPerSec }) => upBytesPerSec),
      downBytesPerSec: sum(({ downBytesPerSec }) => downBytesPerSec),
      failures: failures.reduce((total, { count }) => total + count, 0),
    },
    silent: [],
    down: tunnels.length === 0 ? [name] : [],
  };
}
