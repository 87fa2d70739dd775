import { expect, it } from 'vitest';
import { AddressWatch } from '../../../../src/dns/zone/address-watch.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

function make() {
  const state = { names: 0, capacity: 64, inUse: 0 };
  const logger = recordingLogger();
  const watch = new AddressWatch(
    {
      get room() {
        return state;
      },
      inUse: () => state.inUse,
    },
    logger,
  );
  const give = (count: number, mayGrow = false): void => {
    for (let index = 0; index < count; index += 1) watch.onGiven(mayGrow);
  };
  return { state, logger, watch, give };
}

it('tells once that addresses run out, and once that they have', () => {
  const { state, logger, watch, give } = make();
  Object.assign(state, { names: 60, inUse: 60 });
  give(10, true);
  expect(logger.lines, 'there will be more').toEqual([]);
  give(10);
  expect(logger.lines).toHaveLength(1);
  expect(logger.lines[0]).toMatch(/60 of the 64 addresses .* SERVFAIL.*--synthetic-range/);
  watch.onRefused('db.a');
  watch.onRefused('db.b');
  expect(watch.refused).toBe(2);
  expect(logger.lines).toHaveLength(2);
  expect(logger.lines[1]).toMatch(/db\.a is answered SERVFAIL/);
});

it('says nothing while the addresses that nobody uses are enough, and tells anew what happens again', () => {
  const { state, logger, watch, give } = make();
  Object.assign(state, { names: 64, inUse: 20 });
  give(200);
  expect(logger.lines).toEqual([]);
  for (let times = 1; times <= 2; times += 1) {
    state.inUse = 64;
    give(2);
    watch.onRefused('db.a');
    expect(logger.lines).toHaveLength(2 * times);
    state.inUse = 20;
    give(2);
  }
});
