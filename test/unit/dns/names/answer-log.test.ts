import { encode, type Answer as Record } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AnswerLog } from '../../../../src/dns/names/answer-log.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { queryPacket, readSampleQuery } from '../message/sample-messages.ts';

const query = readSampleQuery(queryPacket('db.internal'));

function answerOf(answers: readonly Record[], rcode = 0): Buffer {
  return encode({
    type: 'response',
    flags: rcode,
    questions: [{ type: 'A', name: 'db.internal' }],
    answers: [...answers],
  });
}

const address = (data: string): Record => ({ type: 'A', name: 'db.internal', ttl: 60, data });

describe('the log of answers', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test.each([
    [answerOf([address('10.0.0.8')]), '10.0.0.8'],
    [
      answerOf([{ type: 'CNAME', name: 'db.internal', ttl: 60, data: 'a.internal' }, address('10.0.0.8')]),
      '10.0.0.8',
    ],
    [
      answerOf(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'].map(address)),
      '10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4 and 2 more',
    ],
    [answerOf([{ type: 'TXT', name: 'db.internal', ttl: 60, data: 'x' }]), 'a record of TXT'],
    [answerOf([]), 'the name has no such record'],
    [answerOf([], 3), 'no such name'],
    [answerOf([], 2), 'no answer (SERVFAIL)'],
    [answerOf([], 5), 'refused with code 5'],
    // Cut off behind its header.
    [answerOf([address('10.0.0.8')]).subarray(0, 14), 'the name has no such record'],
  ])('%# is a sentence, and fields', async (bytes, said) => {
    const logger = recordingLogger();
    new AnswerLog(logger).follow(query, new Promise((resolve) => setTimeout(() => resolve(bytes), 12)));
    await vi.advanceTimersByTimeAsync(12);
    const fields = { query: 'db.internal', type: 'A', answer: said, durationMs: 12 };
    expect(logger.lines).toEqual([`info db.internal A: ${said}, after 12 ms ${JSON.stringify(fields)}`]);
  });

  test('has 50 of a second, and says how many more there were', async () => {
    const logger = recordingLogger();
    const log = new AnswerLog(logger);
    const ask = async (count: number): Promise<void> => {
      for (let at = 0; at < count; at += 1) log.follow(query, Promise.resolve(answerOf([])));
      await vi.advanceTimersByTimeAsync(0);
    };
    await ask(80);
    expect(logger.lines).toHaveLength(50);
    await vi.advanceTimersByTimeAsync(1_000);
    await ask(1);
    expect(logger.lines.slice(50)).toEqual([
      expect.stringMatching(/^info 30 more DNS queries were answered within a second /),
      expect.stringMatching(/^info db\.internal A: the name has no such record, after 0 ms /),
    ]);
  });
});
