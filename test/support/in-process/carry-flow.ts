import type { Socket } from 'node:net';
import type { Endpoint, HostPort } from '../../../src/net/address/endpoint.ts';
import { makeFlow } from '../../../src/net/flow.ts';
import type { FlowSummary, Transport } from '../../../src/ssh/transport.ts';

const ORIGINATOR: Endpoint = { family: 4, address: '127.0.0.1', port: 40_000 };

/** Carries an accepted socket, and resets it where the connection is not opened, as the flow table does. */
export async function carryFlow(
  transport: Pick<Transport, 'carry'>,
  accepted: Socket,
  destination: HostPort,
): Promise<FlowSummary> {
  const flow = makeFlow({ accepted, destination, originator: ORIGINATOR });
  const summary = await transport.carry(flow);
  if (flow.stage !== 'open') accepted.resetAndDestroy();
  return summary;
}
