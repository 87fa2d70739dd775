import { expect, it } from 'vitest';
import { Overload } from '../../../src/dns/overload.ts';
import { recordingLogger } from '../../support/in-process/recording-logger.ts';

it('tells of each thing that is full once in ten minutes, and how often it was', () => {
  const logger = recordingLogger();
  let nowMs = 0;
  const overload = new Overload(logger, () => nowMs);
  for (let times = 0; times < 500; times += 1) overload.report('4 queries wait, further ones are dropped');
  overload.report('256 programs ask, further ones are rejected');
  expect(logger.lines).toHaveLength(2);
  expect(logger.lines[0]).toMatch(/^warn DNS: 4 queries wait, further ones are dropped; a program/);
  nowMs = 10 * 60_000;
  overload.report('4 queries wait, further ones are dropped');
  expect(logger.lines[2]).toContain('so were 499 more since it was last said');
});
