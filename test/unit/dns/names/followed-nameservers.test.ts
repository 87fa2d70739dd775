import { expect, it } from 'vitest';
import { type Deferred, deferred } from '../../../../src/core/deferred.ts';
import { FollowedNameservers } from '../../../../src/dns/names/followed-nameservers.ts';
import type { Nameserver } from '../../../../src/dns/system/resolv-conf.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const at = (address: string): readonly Nameserver[] => [{ address, scope: undefined }];

function open() {
  const logger = recordingLogger();
  const redirected: string[] = [];
  const system: { error: Error | undefined; change: (nameservers: readonly Nameserver[]) => void } = {
    error: undefined,
    change: () => {},
  };
  const followed = new FollowedNameservers(
    async ([nameserver]) => {
      if (system.error !== undefined) throw system.error;
      redirected.push(nameserver!.address);
    },
    logger,
    (_known, onChange) => {
      system.change = onChange;
      return { stop: () => {} };
    },
  );
  followed.follow(at('192.0.2.1'));
  return { followed, system, redirected, logger };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

it('tells, until it has succeeded, that queries to other nameservers are not captured', async () => {
  const { followed, system, redirected, logger } = open();
  system.error = new Error('the port is taken');
  system.change(at('192.0.2.2'));
  await turn();
  const problem = {
    cause: 'nameservers',
    what: 'DNS queries to 192.0.2.2 are not captured: the port is taken',
  };
  expect(followed.problem).toMatchObject(problem);
  await followed.tryAgain();
  expect(followed.problem).toMatchObject(problem);
  expect(logger.lines, 'told once').toEqual([`warn ${problem.what}`]);
  system.error = undefined;
  await followed.tryAgain();
  expect([followed.problem, redirected]).toEqual([undefined, ['192.0.2.2']]);
  await followed.tryAgain();
  expect(redirected, 'nothing is left to try').toEqual(['192.0.2.2']);
});

it('never goes back to nameservers that are asked no more, whatever fails or is tried again meanwhile', async () => {
  const logger = recordingLogger();
  const redirects: Array<{ readonly address: string; readonly done: Deferred<void> }> = [];
  let change: (nameservers: readonly Nameserver[]) => void = () => {};
  const followed = new FollowedNameservers(
    ([nameserver]) => {
      const done = deferred<void>();
      redirects.push({ address: nameserver!.address, done });
      return done.promise;
    },
    logger,
    (_known, onChange) => {
      change = onChange;
      return { stop: () => {} };
    },
  );
  followed.follow(at('192.0.2.1'));
  change(at('192.0.2.2'));
  redirects[0]!.done.reject(new Error('the port is taken'));
  await turn();
  expect(followed.problem).toBeDefined();
  change(at('192.0.2.3'));
  expect(followed.problem).toBeUndefined();
  // A change of the network has both of them.
  await followed.tryAgain();
  change(at('192.0.2.4'));
  expect(redirects.map(({ address }) => address)).toEqual(['192.0.2.2', '192.0.2.3', '192.0.2.4']);
  redirects[2]!.done.resolve();
  redirects[1]!.done.reject(new Error('too late'));
  await turn();
  expect(followed.problem).toBeUndefined();
  expect(logger.lines).toHaveLength(2);
});

it('forgets what has failed when other nameservers are asked for, or none', async () => {
  const { followed, system, redirected, logger } = open();
  system.error = new Error('the port is taken');
  system.change(at('192.0.2.2'));
  await turn();
  followed.follow(at('192.0.2.3'));
  expect(followed.problem).toBeUndefined();
  // Its failure comes when nobody asks for it any more.
  system.change(at('192.0.2.4'));
  followed.stop();
  await turn();
  system.change(at('192.0.2.5'));
  system.error = undefined;
  await turn();
  await followed.tryAgain();
  expect([followed.problem, redirected]).toEqual([undefined, []]);
  expect(logger.lines).toHaveLength(1);
});
