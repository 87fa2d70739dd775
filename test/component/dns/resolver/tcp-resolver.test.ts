import type { Socket } from 'node:net';
import { decode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { frame } from '../../../../src/dns/message/message-splitter.ts';
import type { AskResult } from '../../../../src/dns/resolver/resolver-connection.ts';
import { TcpResolver } from '../../../../src/dns/resolver/tcp-resolver.ts';
import { until } from '../../../support/process/until.ts';
import { queryPacket, readSampleQuery } from '../../../unit/dns/message/sample-messages.ts';
import { answerTo, type Behaviour, type FakeResolver, startFakeResolver } from './fake-resolver.ts';

const ENDPOINT = { family: 4, address: '10.0.0.2', port: 53 } as const;
const ask = (resolver: TcpResolver, name: string) => resolver.ask(readSampleQuery(queryPacket(name)));

function addressIn(result: AskResult): unknown {
  if (result.kind !== 'answer') return result.kind;
  const [record] = decode(result.answer.bytes).answers ?? [];
  return record?.type === 'A' ? record.data : undefined;
}

async function withResolver(
  behaviour: Behaviour,
  test: (resolver: TcpResolver, fake: FakeResolver) => Promise<void>,
  times = {},
): Promise<void> {
  await using fake = await startFakeResolver(behaviour);
  const resolver = new TcpResolver(ENDPOINT, fake.open, times);
  try {
    await test(resolver, fake);
  } finally {
    resolver.close();
  }
}

const named = (query: { questions?: Array<{ name: string }> | undefined }) =>
  query.questions?.[0]?.name ?? '';

const bytesRead = (fake: FakeResolver) => fake.connections.reduce((sum, { bytesRead }) => sum + bytesRead, 0);

describe('a resolver', () => {
  it('is asked many questions over few connections, and each answer goes to its question, in any order', async () => {
    const held = new Map<Socket, Buffer[]>();
    const behaviour: Behaviour = (query, connection) => {
      const answers = held.get(connection) ?? [];
      held.set(connection, answers);
      answers.unshift(answerTo(query, `10.0.0.${named(query).slice(1)}`));
      // The latest first, once none is to come.
      return named(query) === 'n199' ? [] : answers.length % 5 === 0 ? answers.splice(0) : [];
    };
    await withResolver(behaviour, async (resolver, fake) => {
      const names = Array.from({ length: 200 }, (_, index) => `n${index}`);
      const asking = Promise.all(names.map((name) => ask(resolver, name)));
      await until(() => fake.queries.length === names.length, { deadlineMs: 2_000, what: 'every query' });
      for (const [connection, answers] of held) connection.write(Buffer.concat(answers.map(frame)));
      expect((await asking).map(addressIn)).toEqual(names.map((name) => `10.0.0.${name.slice(1)}`));
      expect(fake.connections.length).toBeLessThanOrEqual(4);
      const ids = fake.queries.map(({ id }) => id ?? 0);
      const steps = new Set(ids.map((id, index) => id - (ids[index - 1] ?? 0)));
      expect(steps.size, 'ids that cannot be guessed').toBeGreaterThan(150);
    });
  });

  it('is not believed when it answers another question or another id; the right answer is awaited', async () => {
    const behaviour: Behaviour = (query) => [
      answerTo({ ...query, questions: [{ type: 'A', name: 'other' }] }, '6.6.6.1'),
      answerTo({ ...query, questions: [{ type: 'AAAA', name: named(query) }] }, '6.6.6.2'),
      answerTo({ ...query, id: ((query.id ?? 0) + 1) % 65_536 }, '6.6.6.3'),
      answerTo({ ...query, questions: [] }, '6.6.6.4'),
      Buffer.from('no DNS'),
      answerTo({ ...query, questions: [{ type: 'A', name: named(query).toUpperCase() }] }, '10.0.0.1'),
    ];
    await withResolver(behaviour, async (resolver) => {
      expect(addressIn(await ask(resolver, 'name'))).toBe('10.0.0.1');
    });
  });

  it('is asked once more over a new connection when one breaks, and not a third time', async () => {
    let breaks = 1;
    const behaviour: Behaviour = (query, connection) => {
      if (breaks === 0) return [answerTo(query, '10.0.0.1')];
      breaks -= 1;
      connection.destroy();
      return [];
    };
    await withResolver(behaviour, async (resolver, fake) => {
      expect(addressIn(await ask(resolver, 'a'))).toBe('10.0.0.1');
      expect(fake.connections).toHaveLength(2);
      breaks = Number.POSITIVE_INFINITY;
      const before = fake.queries.length;
      expect(addressIn(await ask(resolver, 'b'))).toBe('broken');
      expect(fake.queries.length - before).toBe(2);
    });
  });

  it('that ends every connection after 100 queries is asked by new ones in time, once that is known', async () => {
    const taken = new Map<Socket, number>();
    const behaviour: Behaviour = (query, connection) => {
      const count = (taken.get(connection) ?? 0) + 1;
      taken.set(connection, count);
      if (count > 100) return [];
      const answer = [answerTo(query, '10.0.0.1')];
      // As dnsmasq does, after the answer (its TCP_MAX_QUERIES).
      if (count === 100) setImmediate(() => connection.end());
      return answer;
    };
    await withResolver(behaviour, async (resolver, fake) => {
      const rounds = Array.from({ length: 60 }, (_, round) => round);
      for (const round of rounds) {
        const names = Array.from({ length: 50 }, (_, index) => `n${round}-${index}`);
        const answers = await Promise.all(names.map((name) => ask(resolver, name)));
        expect(answers.map(addressIn)).toEqual(names.map(() => '10.0.0.1'));
      }
      const askedInVain = fake.queries.length - rounds.length * 50;
      expect(askedInVain, 'queries to connections that were ending').toBeLessThan(400);
      expect(fake.connections.length).toBeLessThan(100);
    });
  });

  it('is sent the first octet of the next query while it owes answers, so that its kernel does not hold them back', async () => {
    const owed: Array<() => void> = [];
    const behaviour: Behaviour = (query, connection) => {
      if (named(query) === 'first') return [answerTo(query, '10.0.0.1')];
      owed.push(() => connection.write(frame(answerTo(query, '10.0.0.2'))));
      return [];
    };
    await withResolver(behaviour, async (resolver, fake) => {
      // More at once than there are connections: each connection has several in flight.
      const asking = Array.from({ length: 16 }, () => ask(resolver, 'later'));
      await until(() => owed.length === 16, { deadlineMs: 2_000, what: 'every query' });
      const before = bytesRead(fake);
      for (const answer of owed.splice(0, 12)) answer();
      await Promise.all(asking.slice(0, 1));
      await until(() => bytesRead(fake) > before, { deadlineMs: 2_000, what: 'an octet ahead of a query' });
      expect(bytesRead(fake) - before).toBeLessThanOrEqual(fake.connections.length);
      for (const answer of owed) answer();
      await Promise.all(asking);
      const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(57)}`;
      const more = [ask(resolver, 'first'), ask(resolver, long), ask(resolver, 'first')];
      await until(() => owed.length === 5, { deadlineMs: 2_000, what: 'the long query' });
      owed[4]?.();
      expect((await Promise.all(more)).map(addressIn)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.1']);
    });
  });

  it('that is silent is given up in time, and its connection is not used again', async () => {
    const behaviour: Behaviour = (query) => (named(query) === 'silence' ? [] : [answerTo(query, '10.0.0.1')]);
    const times = { answerTimeoutMs: 50 };
    await withResolver(
      behaviour,
      async (resolver, fake) => {
        expect(addressIn(await ask(resolver, 'silence'))).toBe('timeout');
        expect(addressIn(await ask(resolver, 'a'))).toBe('10.0.0.1');
        expect(fake.connections).toHaveLength(2);
      },
      times,
    );
  });

  it('has no connection for longer than it is used', async () => {
    await withResolver(
      (query) => [answerTo(query, '10.0.0.1')],
      async (resolver, fake) => {
        await ask(resolver, 'a');
        await until(
          () => fake.connections.every(({ readableEnded, destroyed }) => readableEnded || destroyed),
          {
            deadlineMs: 2_000,
            what: 'the end of the idle connection',
          },
        );
      },
      { idleTimeoutMs: 30 },
    );
  });

  it('that answers each connection from what was known at its start is asked over no old one', async () => {
    const since = new Map<Socket, number>();
    const owed: Array<() => void> = [];
    const behaviour: Behaviour = (query, connection) => {
      if (named(query) === 'slow') {
        owed.push(() => connection.write(frame(answerTo(query, '10.0.0.9'))));
        return [];
      }
      const beganAtMs = since.get(connection) ?? performance.now();
      since.set(connection, beganAtMs);
      oldestMs = Math.max(oldestMs, performance.now() - beganAtMs);
      return [answerTo(query, '10.0.0.1')];
    };
    const maxAgeMs = 300;
    let oldestMs = 0;
    await withResolver(
      behaviour,
      async (resolver, fake) => {
        const slow = ask(resolver, 'slow');
        await until(() => owed.length === 1, { deadlineMs: 2_000, what: 'the slow query' });
        const beganAtMs = performance.now();
        while (performance.now() - beganAtMs < 4 * maxAgeMs) {
          expect(addressIn(await ask(resolver, 'a'))).toBe('10.0.0.1');
        }
        expect(oldestMs, 'of a connection that is asked').toBeLessThan(2 * maxAgeMs);
        expect(fake.connections.length, 'one after the other').toBeGreaterThan(2);
        expect(fake.connections.length, 'each used for long').toBeLessThan(20);
        // The first one is kept by what it still owes, and ends then.
        expect(fake.connections[0]).toMatchObject({ readableEnded: false, destroyed: false });
        owed[0]!();
        expect(addressIn(await slow)).toBe('10.0.0.9');
        await until(
          () => fake.connections.every(({ readableEnded, destroyed }) => readableEnded || destroyed),
          {
            deadlineMs: 2_000,
            what: 'the end of them all, none of which was idle for long',
          },
        );
      },
      { maxAgeMs, idleTimeoutMs: 60_000 },
    );
  });

  it('that no connection can be opened to is said so at once', async () => {
    const resolver = new TcpResolver(ENDPOINT, () => Promise.reject(new Error('refused')));
    expect(await ask(resolver, 'a')).toEqual({ kind: 'no-connection' });
    resolver.close();
  });

  it('that is closed gives up what is in flight', async () => {
    await withResolver(
      () => [],
      async (resolver, fake) => {
        const asking = ask(resolver, 'a');
        await until(() => fake.queries.length === 1, { deadlineMs: 2_000, what: 'the query' });
        resolver.close();
        expect((await asking).kind).not.toBe('answer');
      },
    );
  });
});
