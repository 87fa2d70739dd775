import { describe, expect, test } from 'vitest';
import {
  isSignOfLife,
  judgeInterval,
  type LivenessSample,
  type LivenessVerdict,
  startLiveness,
} from '../../../../../src/ssh/ssh2/connection/liveness-decision.ts';

/** The verdicts for a connection that is seen like this at the end of each interval. */
function verdicts(countMax: number, samples: ReadonlyArray<Partial<LivenessSample>>): LivenessVerdict[] {
  const nothing: LivenessSample = { receivedBytes: 0, deliveredBytes: 0, backlogBytes: 0 };
  let state = startLiveness({ ...nothing, ...samples[0] });
  return samples.slice(1).map((sample) => {
    const judged = judgeInterval(state, { ...state.sample, ...sample }, { countMax });
    state = judged.state;
    return judged.verdict;
  });
}

describe('a bastion is taken for dead', () => {
  test('after countMax intervals in which nothing was heard, with a ping in each before', () => {
    expect(verdicts(3, [{}, {}, {}, {}])).toEqual(['ping', 'ping', 'dead']);
  });

  test('never before one ping had an interval to be answered in', () => {
    expect(verdicts(1, [{}, {}, {}])).toEqual(['ping', 'dead']);
  });

  test('when an upload stops getting through', () => {
    const stuck = { backlogBytes: 1_000_000 };
    expect(verdicts(3, [stuck, stuck, stuck, stuck])).toEqual(['ping', 'ping', 'dead']);
  });

  test('when only its acknowledgements of our pings are heard', () => {
    const pings = [60, 120, 180].map((deliveredBytes) => ({ deliveredBytes, backlogBytes: 60 }));
    expect(verdicts(3, [{ backlogBytes: 60 }, ...pings])).toEqual(['ping', 'ping', 'dead']);
  });

  test('when an upload has been all there was for too long', () => {
    const upload = Array.from({ length: 80 }, (_, index) => ({
      deliveredBytes: index * 100_000,
      backlogBytes: 500_000,
    }));
    const judged = verdicts(3, upload);
    expect(judged.indexOf('dead')).toBe(61);
  });
});

describe('a bastion is alive', () => {
  test('when any byte has come in, and the count of silent intervals begins again', () => {
    expect(verdicts(3, [{}, {}, {}, { receivedBytes: 1 }, {}, {}, {}])).toEqual([
      'ping',
      'ping',
      'alive',
      'ping',
      'ping',
      'dead',
    ]);
  });

  test('while an upload gets through, and one ping is sent to learn more', () => {
    const upload = [0, 1, 2, 3, 4, 5].map((step) => ({ deliveredBytes: step * 1000, backlogBytes: 500_000 }));
    expect(verdicts(3, upload)).toEqual(['ping', 'alive', 'alive', 'alive', 'alive']);
  });
});

describe('a bastion that was asked because the network has changed has given a sign of life', () => {
  const before: LivenessSample = { receivedBytes: 100, deliveredBytes: 100, backlogBytes: 0 };
  const upload = { ...before, backlogBytes: 1_000_000 };

  test.each([
    ['when it has answered', before, { receivedBytes: 101 }, false, true],
    ['when its TCP has acknowledged something', before, { deliveredBytes: 101 }, true, true],
    [
      'not when the system has only taken what is sent, and tells no more',
      before,
      { deliveredBytes: 101 },
      false,
      false,
    ],
    ['when an upload gets on, where the system tells no more', upload, { deliveredBytes: 101 }, false, true],
    ['not when nothing has moved', upload, {}, true, false],
  ] as const)('%s', (_case, first, later, knows, expected) => {
    expect(isSignOfLife(first, { ...first, ...later }, knows)).toBe(expected);
  });
});
