import { describe, expect, it } from 'vitest';
import { BatchedLookUps } from '../../../../src/ingress/destinations/destination-look-ups.ts';
import { LookUpRecord } from '../../../../src/ingress/destinations/look-up-record.ts';
import type { Endpoint } from '../../../../src/net/address/endpoint.ts';
import { type LookUp, MAX_LOOK_UPS } from '../../../../src/net/sockets/redirected-connection.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';

const from = (port: number): Endpoint => ({ family: 4, address: '10.0.0.1', port });
const to = (port: number): Endpoint => ({ family: 4, address: '10.99.0.1', port });

/** A helper that answers when it is told to: by default, 10,000 ports further on. */
function helper() {
  const asked: number[][] = [];
  const answers: (() => void)[] = [];
  const lookUps = new BatchedLookUps((originators) => {
    asked.push(originators.map(({ port }) => port));
    return new Promise((resolve) => {
      answers.push(() =>
        resolve(originators.map(({ port }): LookUp => ({ kind: 'found', destination: to(port + 10_000) }))),
      );
    });
  }, new LookUpRecord(recordingLogger()));
  return { asked, lookUps, answer: () => answers.shift()?.() };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

describe('BatchedLookUps', () => {
  it('asks once about all of a turn, and then about all that came meanwhile', async () => {
    const { asked, lookUps, answer } = helper();
    const first = [1, 2, 3].map((port) => lookUps.of(from(port)));
    await turn();
    const later = [4, 5].map((port) => lookUps.of(from(port)));
    await turn();
    expect(asked).toEqual([[1, 2, 3]]);
    answer();
    expect(await Promise.all(first)).toEqual([to(10_001), to(10_002), to(10_003)]);
    await turn();
    expect(asked).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    answer();
    expect(await Promise.all(later)).toEqual([to(10_004), to(10_005)]);
    const last = lookUps.of(from(6));
    await turn();
    answer();
    expect(await last).toEqual(to(10_006));
  });

  it('asks about no more at once than one question takes', async () => {
    const { asked, lookUps, answer } = helper();
    const all = Array.from({ length: MAX_LOOK_UPS + 1 }, (_, index) => lookUps.of(from(index + 1)));
    await turn();
    answer();
    await turn();
    answer();
    expect((await Promise.all(all)).length).toBe(MAX_LOOK_UPS + 1);
    expect(asked.map(({ length }) => length)).toEqual([MAX_LOOK_UPS, 1]);
  });

  it('gives no destination but the one that is found, and goes on after a failure', async () => {
    const kinds = ['unknown', 'ambiguous', 'refused'] as const;
    const answers: (() => Promise<readonly LookUp[]>)[] = [
      async () => kinds.map((kind) => ({ kind })),
      () => Promise.reject(new Error('the helper has ended')),
      async () => [],
    ];
    const record = new LookUpRecord(recordingLogger());
    const lookUps = new BatchedLookUps(() => answers.shift()!(), record);
    const failures = await Promise.allSettled(kinds.map((_, index) => lookUps.of(from(index + 1))));
    for (const failure of failures)
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'ERR_ORIGINAL_DST' } });
    await expect(lookUps.of(from(4))).rejects.toThrow('the helper has ended');
    await expect(lookUps.of(from(5)), 'an answer too few').rejects.toMatchObject({
      code: 'ERR_ORIGINAL_DST',
    });
    // Not the helper that has ended, which the tunnel's state tells.
    expect(record.problem?.what).toMatch(/^2 of the last 4 redirected connections were reset/);
  });
});
