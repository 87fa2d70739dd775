import type { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { parseNetworkMap } from '../../../../src/config/parse/networks/network-map.ts';
import type { HostPort } from '../../../../src/net/address/endpoint.ts';
import type { NetworkMap } from '../../../../src/net/address/network-map.ts';
import { type Flow, makeFlow } from '../../../../src/net/flow.ts';
import { notOpened } from '../../../../src/ssh/transport.ts';
import { MappedCarrier } from '../../../../src/tunnel/flows/mapped.ts';

const maps = [parseNetworkMap('10.1.0.0/16=10.201.0.0/16') as NetworkMap];

function carrierOf() {
  const targets: HostPort[] = [];
  const transport = {
    carry: vi.fn((flow: Flow) => {
      targets.push(flow.target);
      return Promise.resolve(notOpened({ kind: 'eof' }));
    }),
    open: vi.fn((destination: HostPort) => {
      targets.push(destination);
      return Promise.resolve({} as Socket);
    }),
  };
  return { carrier: new MappedCarrier(transport, maps), targets };
}

const flowTo = (host: string, isForwarded = false): Flow =>
  makeFlow({
    accepted: {} as Socket,
    originator: { family: 4, address: '127.0.0.1', port: 1 },
    destination: { host, port: 5432 },
    isForwarded,
  });

test('a flow to the network of this side goes to the other, and is shown as its application named it', async () => {
  const { carrier, targets } = carrierOf();
  const flow = flowTo('10.201.0.8');
  await carrier.carry(flow);
  await carrier.open({ host: '10.201.0.9', port: 443 }, new AbortController().signal);
  expect(targets).toEqual([
    { host: '10.1.0.8', port: 5432 },
    { host: '10.1.0.9', port: 443 },
  ]);
  expect(flow.destination).toEqual({ host: '10.201.0.8', port: 5432 });
});

test('names, other networks and what came by a forward go where they say', async () => {
  const { carrier, targets } = carrierOf();
  for (const flow of [flowTo('db.example'), flowTo('10.1.0.8'), flowTo('10.201.0.8', true)])
    await carrier.carry(flow);
  expect(targets.map(({ host }) => host)).toEqual(['db.example', '10.1.0.8', '10.201.0.8']);
});
