import type { Socket } from 'node:net';
import { decode } from 'dns-packet';
import { expect, it } from 'vitest';
import { frame } from '../../../../src/dns/message/message-splitter.ts';
import { TcpPath } from '../../../../src/dns/pass-through/tcp-path.ts';
import { until } from '../../../support/process/until.ts';
import { queryPacket } from '../../../unit/dns/message/sample-messages.ts';
import { answerTo, startFakeResolver } from '../resolver/fake-resolver.ts';

it('a nameserver by TCP is asked over no old connection, and what was asked over one is still answered', async () => {
  const owed: Array<() => void> = [];
  await using fake = await startFakeResolver((query, connection) => {
    if (query.questions?.[0]?.name !== 'slow') return [answerTo(query, '10.0.0.1')];
    owed.push(() => connection.write(frame(answerTo(query, '10.0.0.9'))));
    return [];
  });
  const path = new TcpPath(async () => (await fake.open({ host: '', port: 0 }, noSignal)) as Socket, {
    maxAgeMs: 500,
  });
  const addressOf = async (name: string): Promise<unknown> => {
    const answer = await path.ask(queryPacket(name));
    const [record] = answer === undefined ? [] : (decode(answer).answers ?? []);
    return record?.type === 'A' ? record.data : undefined;
  };
  const slow = addressOf('slow');
  await until(() => owed.length === 1, { deadlineMs: 2_000, what: 'the slow query' });
  expect(fake.connections).toHaveLength(1);
  await until(async () => (await addressOf('a')) === '10.0.0.1' && fake.connections.length === 2, {
    deadlineMs: 5_000,
    what: 'another connection',
  });
  expect(fake.connections[0]).toMatchObject({ destroyed: false });
  owed[0]!();
  expect(await slow).toBe('10.0.0.9');
  await until(() => fake.connections[0]!.destroyed, { deadlineMs: 2_000, what: 'the end of the old one' });
});

const noSignal = new AbortController().signal;
