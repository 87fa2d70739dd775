import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemWords } from '../../../../src/core/systems/system-words.ts';
import { makeEndpoint } from '../../../../src/net/address/endpoint.ts';
import {
  MAX_STRANDED,
  type RedirectedConnection,
  type StrandedFate,
} from '../../../../src/net/sockets/redirected-connection.ts';
import { StrandedConnections } from '../../../../src/tunnel/flows/stranded-connections.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const connection = (port: number): RedirectedConnection => ({
  originator: makeEndpoint('192.0.2.5', port)!,
  destination: makeEndpoint('10.0.0.8', 5_432)!,
});

test('many resets are a few questions, one after the other, and each has its own fate', async () => {
  const sizes: number[] = [];
  let under = 0;
  const stranded = new StrandedConnections(async (connections) => {
    under += 1;
    expect(under).toBe(1);
    sizes.push(connections.length);
    await new Promise((resolve) => setTimeout(resolve, 10));
    under -= 1;
    return connections.map(({ originator }): StrandedFate => (originator.port % 2 === 0 ? 'ended' : 'told'));
  }, recordingLogger());
  const fates = Array.from({ length: MAX_STRANDED + 2 }, (_, index) =>
    stranded.settle(connection(1_000 + index)),
  );
  expect(sizes).toEqual([]);
  await vi.runAllTimersAsync();
  expect(sizes).toEqual([MAX_STRANDED, 2]);
  expect((await Promise.all(fates)).slice(0, 3)).toEqual(['ended', 'told', 'ended']);
  await stranded.settled();
  expect(vi.getTimerCount()).toBe(0);

  // What comes later is asked, too.
  const later = stranded.settle(connection(7));
  await vi.runAllTimersAsync();
  expect(await later).toBe('told');
});

test('where nobody can look, flows end as ever, and that is said once, for whoever debugs', async () => {
  const logger = recordingLogger();
  const stranded = new StrandedConnections(() => Promise.reject(new Error('no sock_diag')), logger);
  for (const port of [1, 2]) {
    const fate = stranded.settle(connection(port));
    await vi.runAllTimersAsync();
    expect(await fate).toBe('told');
  }
  expect(logger.lines).toEqual(['debug whether resets reach their applications is not known: no sock_diag']);
});

test('a system that cannot end sockets is named once', async () => {
  const logger = recordingLogger();
  const stranded = new StrandedConnections(
    async (connections) => connections.map(() => 'unsupported'),
    logger,
  );
  for (const port of [1, 2]) {
    const fate = stranded.settle(connection(port));
    await vi.runAllTimersAsync();
    expect(await fate).toBe('unsupported');
  }
  expect(logger.lines).toEqual([`debug ${systemWords().endsNoSockets}: an application waits on`]);
});

test('a flood of resets is bounded', async () => {
  const logger = recordingLogger();
  let asked = 0;
  const stranded = new StrandedConnections(async (connections) => {
    asked += connections.length;
    return connections.map(() => 'told');
  }, logger);
  const fates = Array.from({ length: 33_000 }, (_, index) => stranded.settle(connection(1 + index)));
  await vi.runAllTimersAsync();
  await Promise.all(fates);
  expect(asked).toBe(32_768);
  expect(logger.lines).toEqual([expect.stringMatching(/^debug more than 32768 resets at once/)]);
});
