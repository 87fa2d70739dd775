import { expect, it, vi } from 'vitest';
import type { CaptureProblem } from '../../../../src/ingress/capture-check/capture-problem.ts';
import { CaptureWatch, type FollowingPart } from '../../../../src/tunnel/capture/capture-watch.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const problem = (what: string): CaptureProblem => ({ cause: 'unknown', what, remedy: 'none' });

it('shows what it has found, and what is wrong with the parts at the moment; a check has those try again first', async () => {
  const order: string[] = [];
  const ingress = {
    problems: [problem('rules')] as CaptureProblem[],
    check: async () => {
      order.push('check');
      return [problem('found')];
    },
    addFamilies: async () => false,
  };
  const part = (name: string): FollowingPart & { problems: CaptureProblem[] } => ({
    problems: [problem(name)],
    tryAgain(recapture) {
      order.push(name);
      this.problems = [];
      return recapture();
    },
  });
  const [dns, others] = [part('dns'), part('others')];
  const [recapture, logger] = [vi.fn(async () => {}), recordingLogger()];
  const watch = new CaptureWatch(ingress, [dns, others], recapture, logger);
  const shown = (): string[] => watch.problems.map(({ what }) => what);
  expect(shown()).toEqual(['rules', 'dns', 'others']);
  await watch.check();
  expect(order).toEqual(['dns', 'others', 'check']);
  expect(recapture).toHaveBeenCalledTimes(2);
  expect(shown()).toEqual(['found', 'rules']);
  ingress.problems = [];
  expect(shown()).toEqual(['found']);
  expect(logger.lines, 'the parts tell by themselves').toEqual(['warn found -> none']);
  watch.stop();
  await watch.check();
  expect(order, 'the rules go').toHaveLength(3);
});
