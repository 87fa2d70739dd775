import { expect, it } from 'vitest';
import { LookUpRecord } from '../../../../src/ingress/destinations/look-up-record.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

function record(platform: NodeJS.Platform = 'darwin') {
  const logger = recordingLogger();
  return { record: new LookUpRecord(logger, platform), logger };
}

const times = (count: number, task: () => void): void => {
  for (let index = 0; index < count; index += 1) task();
};

it('takes a connection that was over before it was asked about for what it is, and many of them for a problem', () => {
  const { record: lookUps, logger } = record();
  times(48, () => lookUps.found());
  times(15, () => lookUps.failed('unknown'));
  expect([lookUps.problem, logger.lines]).toEqual([undefined, []]);
  lookUps.failed('unknown');
  const problem = {
    cause: 'look-ups',
    what: expect.stringMatching(
      /^16 of the last 64 redirected connections were reset: .*states of pf flushed/,
    ),
    remedy: expect.stringContaining('sudo pfctl -s info'),
  };
  expect(lookUps.problem).toEqual(problem);
  lookUps.failed('unknown');
  expect(logger.lines, 'told once').toEqual([
    expect.stringMatching(/^warn 16 of the last 64 .* -> find out/),
  ]);
});

it.each([
  ['refused', /^1 of the last 2 redirected connections was reset: the kernel does not tell/],
  ['ambiguous', /^1 of the last 2 redirected connections was reset: .*more than one destination/],
] as const)('takes one that is %s for a problem', (kind, what) => {
  const { record: lookUps, logger } = record();
  lookUps.found();
  lookUps.failed(kind);
  expect(lookUps.problem).toMatchObject({ cause: 'look-ups', what: expect.stringMatching(what) });
  expect(logger.lines).toHaveLength(1);
});

it('forgets what is older than as many look-ups as it remembers, and tells of the next one', () => {
  const { record: lookUps, logger } = record();
  lookUps.failed('refused');
  times(63, () => lookUps.found());
  expect(lookUps.problem).toBeDefined();
  lookUps.found();
  expect(lookUps.problem).toBeUndefined();
  lookUps.failed('refused');
  expect(logger.lines).toHaveLength(2);
});

it('names what flushes on this system', () => {
  const { record: lookUps } = record('linux');
  times(16, () => lookUps.failed('unknown'));
  expect(lookUps.problem?.what).toContain('16 of the last 16');
  expect(lookUps.problem?.what).toContain('conntrack');
  expect(lookUps.problem?.remedy).toContain('NOTRACK');
});
