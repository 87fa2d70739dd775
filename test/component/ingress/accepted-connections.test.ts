import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import { AcceptedConnections } from '../../../src/ingress/accepted-connections.ts';
import type { DestinationOf } from '../../../src/ingress/destinations/destination-look-ups.ts';
import type { Endpoint } from '../../../src/net/address/endpoint.ts';
import type { Flow } from '../../../src/net/flow.ts';
import { openListeners } from '../../../src/net/sockets/listener.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';

const DESTINATION: Endpoint = { family: 4, address: '10.99.0.1', port: 80 };

/** A listener, and a connection to it, which ends as the application sees it. */
async function connected(destinationOf: DestinationOf) {
  const flows: Flow[] = [];
  const accepted = deferred<Socket>();
  const logger = recordingLogger();
  const connections = new AcceptedConnections({
    destinationOf,
    listenerPort: () => listeners.port,
    probe: { claims: () => false },
    logger,
    onFlow: (flow) => flows.push(flow),
  });
  const listeners = await openListeners(
    { address4: '127.0.0.1', address6: undefined, port: undefined },
    (socket, family) => {
      connections.take(socket, family);
      accepted.resolve(socket);
    },
  );
  onTestFinished(() => listeners.close());
  const application = connect(listeners.port, '127.0.0.1');
  onTestFinished(() => void application.destroy());
  const ended = new Promise<string>((resolve) => {
    application.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    application.on('end', () => resolve('end'));
  });
  return { flows, logger, application, ended, listeners, accepted: await accepted.promise };
}

describe('AcceptedConnections, where the destination comes later', () => {
  it('makes a flow to it, and to nowhere else', async () => {
    const found = deferred<Endpoint>();
    const { flows } = await connected(() => found.promise);
    expect(flows).toEqual([]);
    found.resolve(DESTINATION);
    await found.promise;
    await new Promise(setImmediate);
    expect(flows.map(({ destination, redirectedFrom }) => [destination, redirectedFrom])).toEqual([
      [{ host: '10.99.0.1', port: 80 }, DESTINATION],
    ]);
    flows[0]!.accepted.destroy();
  });

  it('resets a connection of which nobody knows, and one that was not redirected', async () => {
    const unknown = await connected(() => Promise.reject(new Error('nobody knows')));
    expect(await unknown.ended).toBe('ECONNRESET');
    const own = await connected(async ({ localPort }) => ({
      family: 4,
      address: '127.0.0.1',
      port: localPort ?? 0,
    }));
    expect(await own.ended).toBe('ECONNRESET');
    expect([...unknown.flows, ...own.flows]).toEqual([]);
  });

  it('makes no flow of one that has ended meanwhile', async () => {
    const found = deferred<Endpoint>();
    const { flows, accepted } = await connected(() => found.promise);
    accepted.destroy();
    found.resolve(DESTINATION);
    await found.promise;
    await new Promise(setImmediate);
    expect(flows).toEqual([]);
  });
});
