import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemWords } from '../../../../src/core/systems/system-words.ts';
import type { StrandedFate } from '../../../../src/net/sockets/redirected-connection.ts';
import { LostFlows } from '../../../../src/tunnel/flows/lost-flows.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each<[readonly string[], string]>([
  [['10.0.0.8:5432'], 'with the bastion one open connection was lost, and reset: 10.0.0.8:5432'],
  [
    ['10.0.0.8:5432', 'api.example:5000', 'api.example:5000'],
    'with the bastion 3 open connections were lost, and reset: api.example:5000 (2), 10.0.0.8:5432',
  ],
  [
    ['a:1', 'b:1', 'c:1', 'd:1', 'e:1', 'f:1', 'g:1', 'g:1'],
    'with the bastion 8 open connections were lost, and reset: g:1 (2), a:1, b:1, c:1, d:1 and 2 more',
  ],
])('%j is one line', (destinations, line) => {
  const logger = recordingLogger();
  const lost = new LostFlows(logger, 'bastion');
  for (const destination of destinations) lost.add(destination);
  expect(logger.lines).toEqual([]);
  vi.runAllTimers();
  expect(logger.lines).toEqual([`warn ${line}`]);
});

test('another loss has a line of its own', () => {
  const logger = recordingLogger();
  const lost = new LostFlows(logger, 'bastion');
  for (const destination of ['a:1', 'b:1']) {
    lost.add(destination);
    vi.runAllTimers();
  }
  expect(logger.lines).toEqual([
    'warn with the bastion one open connection was lost, and reset: a:1',
    'warn with the bastion one open connection was lost, and reset: b:1',
  ]);
});

test('a tunnel that ends with the loss has its line at once, and once', () => {
  const logger = recordingLogger();
  const lost = new LostFlows(logger, 'bastion');
  lost.report();
  lost.add('a:1');
  lost.report();
  expect(logger.lines).toEqual(['warn with the bastion one open connection was lost, and reset: a:1']);
  vi.runAllTimers();
  expect(logger.lines).toHaveLength(1);
});

test.each<[readonly StrandedFate[], string]>([
  [['ended'], 'one open connection was lost: db:1; it was ended here, as no reset could reach it'],
  [
    ['ended', 'ended'],
    '2 open connections were lost: db:1 (2); all were ended here, as no reset could reach them',
  ],
  [
    ['told', 'ended'],
    '2 open connections were lost, and reset: db:1 (2); one was ended here, as no reset could reach it',
  ],
  [
    ['told', 'not ours', 'unsupported'],
    '3 open connections were lost, and reset: db:1 (3); 2 were not told, and may wait: restart what used them',
  ],
])('it says what applications have seen: %j', (fates, line) => {
  const logger = recordingLogger();
  const lost = new LostFlows(logger, 'bastion');
  for (const fate of fates) lost.add('db:1', fate);
  lost.report();
  expect(logger.lines).toEqual([`warn with the bastion ${line}`]);
});

test('a redirect that is lost is told as such', () => {
  const logger = recordingLogger();
  const lost = new LostFlows(logger, 'redirect');
  lost.add('db:1', 'ended');
  lost.report();
  expect(logger.lines).toEqual([
    `warn the kernel no longer redirects one open connection (${systemWords().forgottenRedirects}, or its address gone): db:1; it was ended here, as no reset could reach it`,
  ]);
});
