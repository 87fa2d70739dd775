import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { descriptorOf } from '../../../../src/net/native/descriptors/descriptor.ts';
import { AdmittedClients, type ClientBounds } from '../../../../src/net/sockets/admitted-clients.ts';
import { DescriptorBudget } from '../../../../src/net/sockets/descriptor-budget.ts';
import { until } from '../../../support/process/until.ts';

/** An ingress with these bounds, its clients in the order in which they were admitted, and what became of their other ends. */
async function openIngress(bounds: Partial<ClientBounds>) {
  let rejected = 0;
  const clients = new AdmittedClients({
    use: 'flow',
    most: 100,
    mostIdle: 100,
    onRejected: () => (rejected += 1),
    ...bounds,
  });
  const admitted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    if (clients.admit(socket)) admitted.push(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const outcomes: string[] = [];
  const applications: Socket[] = [];
  return {
    clients,
    admitted,
    outcomes,
    rejected: () => rejected,
    /** Connects, and waits until the ingress has seen it. */
    connect: async (): Promise<void> => {
      const index = applications.length;
      const application = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
      applications.push(application);
      application.on('error', (error: NodeJS.ErrnoException) => (outcomes[index] = error.code ?? ''));
      application.on('end', () => (outcomes[index] = 'end'));
      application.resume();
      const seen = admitted.length + rejected;
      await until(() => admitted.length + rejected > seen, { deadlineMs: 5_000, what: 'it is seen' });
    },
    told: (expected: readonly (string | undefined)[]) =>
      until(() => expected.every((outcome, index) => outcomes[index] === outcome), {
        deadlineMs: 5_000,
        what: () => `${JSON.stringify(expected)}, not ${JSON.stringify(outcomes)}`,
      }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of [...applications, ...admitted]) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

test('an idle client makes room, the one that is idle for longest first; one that waits for an answer stays', async () => {
  await using ingress = await openIngress({ mostIdle: 2 });
  const { clients, admitted } = ingress;
  await ingress.connect();
  clients.busy(admitted[0]!);
  clients.busy(admitted[0]!);
  await ingress.connect();
  await ingress.connect();
  clients.touch(admitted[1]!);
  await ingress.connect();
  await ingress.told([undefined, undefined, 'ECONNRESET', undefined]);
  clients.done(admitted[0]!);
  await ingress.connect();
  await ingress.told([undefined, 'ECONNRESET', 'ECONNRESET', undefined, undefined]);
  // Answered both times: idle, and the last to go.
  clients.done(admitted[0]!);
  await ingress.told([undefined, 'ECONNRESET', 'ECONNRESET', 'ECONNRESET', undefined]);
  expect([clients.size, ingress.rejected()]).toEqual([2, 0]);
});

test('when all are busy, one more is reset and counted, until one is closed', async () => {
  await using ingress = await openIngress({ most: 2 });
  const { clients, admitted } = ingress;
  for (let count = 0; count < 2; count += 1) {
    await ingress.connect();
    clients.busy(admitted[count]!);
  }
  await ingress.connect();
  await ingress.told([undefined, undefined, 'ECONNRESET']);
  expect([clients.size, ingress.rejected()]).toEqual([2, 1]);
  admitted[0]!.destroy();
  await until(() => clients.size === 1, { deadlineMs: 5_000, what: 'it is forgotten' });
  await ingress.connect();
  expect([clients.size, ingress.rejected()]).toEqual([2, 1]);
});

test('what leaves fewer descriptors than the reserve is reset; a service may use half of that', async () => {
  const outcomes: Array<readonly [number, number]> = [];
  for (const use of ['flow', 'service'] as const) {
    // As if this process had the limit that its next descriptors come to.
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const limit = descriptorOf(probe)! + 30;
    probe.close();
    const budget = new DescriptorBudget(() => limit);
    await using ingress = await openIngress({ use, budget });
    for (let count = 0; count < 12; count += 1) await ingress.connect();
    outcomes.push([ingress.admitted.length, ingress.rejected()]);
    for (const { fd } of ingress.admitted.map((socket) => ({ fd: descriptorOf(socket)! }))) {
      expect(fd).toBeLessThan(use === 'flow' ? limit - budget.reserve : limit - budget.reserve / 2);
    }
  }
  const [[flows = 0, flowsTurnedAway = 0] = [], [services = 0] = []] = outcomes;
  expect(flowsTurnedAway).toBeGreaterThan(0);
  expect(services).toBeGreaterThan(flows);
});
