import { expect, test, vi } from 'vitest';
import type { TrafficSource } from '../../../../src/net/address/traffic-source.ts';
import type { SourceInterfaces } from '../../../../src/net/machine/source-interfaces.ts';
import { Others } from '../../../../src/tunnel/capture/others.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const DOCKER: TrafficSource = { kind: 'interface', name: 'docker0' };

const UP: SourceInterfaces = {
  addresses: [
    { interfaceName: 'docker0', interfaceIndex: 3, family: 4, address: '172.17.0.1', sources: [DOCKER] },
  ],
  leftOut: 0,
  links: [{ address: '172.17.0.0', prefixLength: 16 }],
};

function othersAt(sources: readonly TrafficSource[]) {
  const logger = recordingLogger();
  const find = vi.fn(async () => UP);
  const ingress = { followOthers: vi.fn(async () => {}) };
  const dns = { followOthers: vi.fn(async () => {}) };
  return { others: new Others(sources, { ingress, dns, logger, find }), find, ingress, dns, logger };
}

test('without sources nothing is looked at', async () => {
  const { others, find, logger } = othersAt([]);
  await others.follow();
  expect(find).not.toHaveBeenCalled();
  expect(logger.lines).toEqual([]);
});

test('rules that could not be set for other links are set at the next look, and not again after that', async () => {
  const { others, ingress, dns, logger } = othersAt([DOCKER]);
  const recapture = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('nft is gone'));
  await others.follow(recapture);
  expect(others.problems).toEqual([
    { cause: 'others-listener', what: expect.stringContaining('nft is gone'), remedy: expect.any(String) },
  ]);
  await others.tryAgain(recapture);
  expect(others.problems).toEqual([]);
  await others.tryAgain(recapture);
  expect(ingress.followOthers, 'nothing is left to try').toHaveBeenCalledTimes(2);
  await others.follow(recapture);
  expect(recapture).toHaveBeenCalledTimes(2);
  expect(ingress.followOthers).toHaveBeenCalledTimes(3);
  expect(dns.followOthers).toHaveBeenLastCalledWith(UP.addresses);
  expect(logger.lines).toEqual([
    'info what others send through this machine is captured, too, where it comes in by docker0 (docker0)',
    'warn connections of others are not captured where they come in by now: nft is gone',
  ]);
});
