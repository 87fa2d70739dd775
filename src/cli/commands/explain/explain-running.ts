import { sharedAddress } from '../../../app/keep-up/shared-networks.ts';
import type { RunningTunnelHandle } from '../../../app/running-tunnels/running-tunnels.ts';
import { MAX_LISTED } from '../../../daemon/control/protocol.ts';
import { describeWhatHappened, type KnownFlows } from './what-happened.ts';

/**
 * Prints what running tunnels do with connections to a destination, and how the last ones have ended. One that goes away
 * meanwhile has nothing to tell.
 *
 * @param hosts the destination by its name and its addresses
 * @param port undefined for all
 */
export async function explainRunning(
  hosts: readonly string[],
  port: number | undefined,
  tunnels: readonly RunningTunnelHandle[],
  print: (text: string) => void,
): Promise<void> {
  for (const host of hosts) {
    const shared = sharedAddress(
      host,
      port,
      tunnels.map(({ report }) => report),
    );
    if (shared !== undefined) print(`${shared}\n`);
  }
  for (const tunnel of tunnels) {
    const known = await flowsOf(tunnel);
    const lines = known === undefined ? [] : describeWhatHappened(hosts, port, known, Date.now());
    for (const line of lines) print(`${line}\n`);
  }
}

async function flowsOf({ client, report: { name } }: RunningTunnelHandle): Promise<KnownFlows | undefined> {
  try {
    const open = await client.ask({ type: 'flows', name, limit: MAX_LISTED });
    const ended = await client.ask({ type: 'endings', name, limit: MAX_LISTED });
    return {
      name,
      flows: open.type === 'flows' ? open.flows : [],
      endings: ended.type === 'endings' ? ended.endings : [],
    };
  } catch {
    return undefined;
  }
}
