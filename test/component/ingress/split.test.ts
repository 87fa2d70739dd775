import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { CaptureRule } from '../../../src/net/address/capture-rule.ts';
import type { Endpoint } from '../../../src/net/address/endpoint.ts';
import { parseCidr } from '../../../src/net/address/parse-cidr.ts';
import { ALL_PORTS } from '../../../src/net/address/port-range.ts';
import { parseZone } from '../../../src/net/address/zone.ts';
import { type Flow, makeFlow } from '../../../src/net/flow.ts';
import type { FlowSummary } from '../../../src/ssh/transport.ts';
import { SplitCarrier } from '../../../src/tunnel/flows/split.ts';
import { carryFlow } from '../../support/in-process/carry-flow.ts';
import { openSocketPair, readToEnd } from '../../support/in-process/socket-pair.ts';
import { openDestination } from '../../support/in-process/ssh2-pair.ts';

const ORIGINATOR: Endpoint = { family: 4, address: '127.0.0.1', port: 40_000 };
const RULES = [
  { action: 'include', cidr: parseCidr('10.0.0.0/8')!, ports: ALL_PORTS },
  { action: 'exclude', cidr: parseCidr('10.9.0.0/16')!, ports: ALL_PORTS },
] as const;
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'db.example': ['192.0.2.1', '10.0.0.8', '10.0.0.9'],
  'excluded.example': ['10.9.0.1'],
  'outside.example': ['127.0.0.1'],
};

/** Tells what it is asked for, and refuses the addresses in `refused`. */
function split(
  refused: readonly string[] = [],
  refusesOwnAddresses = false,
  rules: readonly CaptureRule[] = RULES,
) {
  const asked: string[] = [];
  const transport = {
    carry: async (flow: Flow): Promise<FlowSummary> => {
      const { accepted, target } = flow;
      const { host, port } = target;
      asked.push(`${host}:${port}`);
      const counts = { bytesUp: 0, bytesDown: 0 };
      if (!refused.includes(host)) {
        flow.stage = 'open';
        accepted.destroy();
        return { end: { kind: 'eof' }, ...counts };
      }
      return {
        end: { kind: 'refused', reason: 'connect-failed', description: 'Connection refused' },
        ...counts,
      };
    },
  };
  const carrier = new SplitCarrier(transport, () => rules, {
    zones: [parseZone('internal.example')!],
    names: ['only-there.example'],
    refusesOwnAddresses,
    hosts: [{ name: 'fixed.example', address: '10.1.2.3' }],
    lookUp: async (name) => {
      const addresses = ADDRESSES[name];
      if (addresses === undefined) throw new Error(`ENOTFOUND ${name}`);
      return addresses;
    },
  });
  return { carrier, asked };
}

describe('through the bastion goes', () => {
  test.each([
    ['a captured address', '10.0.0.8', ['10.0.0.8:443']],
    ['a name with a captured address', 'db.example', ['10.0.0.8:443']],
    ['a name of a zone, by name', 'DB.internal.example', ['DB.internal.example:443']],
    ['a name of --host', 'fixed.example', ['10.1.2.3:443']],
    ['a SUBNET name that only the bastion may know', 'only-there.example', ['only-there.example:443']],
  ])('%s', async (_what, host, expected) => {
    const { carrier, asked } = split();
    await using pair = await openSocketPair();
    await carryFlow(carrier, pair.accepted, { host, port: 443 });
    expect(asked).toEqual(expected);
  });

  test('the next address, when one is refused', async () => {
    const { carrier, asked } = split(['10.0.0.8']);
    await using pair = await openSocketPair();
    const { end } = await carryFlow(carrier, pair.accepted, { host: 'db.example', port: 443 });
    expect([end.kind, ...asked]).toEqual(['eof', '10.0.0.8:443', '10.0.0.9:443']);
  });
});

describe('from this machine goes', () => {
  test.each(['127.0.0.1', 'outside.example'])('%s, both ways and each end by itself', async (host) => {
    const { carrier, asked } = split();
    await using destination = await openDestination((socket) => {
      void readToEnd(socket).then((bytes) => socket.end(`got ${bytes.toString()}`));
    });
    await using pair = await openSocketPair();
    const carrying = carryFlow(carrier, pair.accepted, { host, port: destination.port });
    pair.application.end('hello');
    expect((await readToEnd(pair.application)).toString()).toBe('got hello');
    expect(await carrying).toEqual({ end: { kind: 'eof' }, bytesUp: 5, bytesDown: 9 });
    expect(asked).toEqual([]);
  });

  describe('what no rule of the kernel takes, also where everything is captured:', () => {
    const everything = ['0/0', '::/0'].map((text) => ({
      ...{ action: 'include', cidr: parseCidr(text)!, ports: ALL_PORTS },
    })) as readonly CaptureRule[];
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const own = addresses.filter(({ address }) => !address.includes('%')).map(({ address }) => address);
    // None that Node.js 22 would look for on the networks of this machine, as fe80::1.
    const others = ['127.1.2.3', '0.0.0.0', '::', '224.0.0.1', '255.255.255.255'];

    test.each([...own, ...others, 'outside.example'])('%s', async (host) => {
      const { carrier, asked } = split([], false, everything);
      await using pair = await openSocketPair();
      // Nothing listens on discard.
      await carryFlow(carrier, pair.accepted, { host, port: 9 });
      expect(asked).toEqual([]);
    });

    test.each([...own, 'outside.example'])(
      '%s, which is refused where this machine is not to be reached',
      async (host) => {
        const { carrier, asked } = split([], true, everything);
        await using pair = await openSocketPair();
        const { end } = await carryFlow(carrier, pair.accepted, { host, port: 9 });
        expect([asked, end]).toMatchObject([
          [],
          { description: expect.stringContaining('this machine itself') },
        ]);
      },
    );

    test('all else goes through the bastion', async () => {
      const { carrier, asked } = split([], true, everything);
      await using pair = await openSocketPair();
      await carryFlow(carrier, pair.accepted, { host: '192.0.2.1', port: 9 });
      expect(asked).toEqual(['192.0.2.1:9']);
    });
  });

  test('what is refused is given back', async () => {
    const { carrier } = split();
    await using pair = await openSocketPair();
    // Nothing listens on discard.
    const destination = { host: '127.0.0.1', port: 9 };
    const { end } = await carrier.carry(
      makeFlow({ accepted: pair.accepted, originator: ORIGINATOR, destination }),
    );
    expect(end).toEqual({ kind: 'refused', reason: 'connect-failed', description: 'Connection refused' });
    expect(pair.accepted.destroyed).toBe(false);
  });

  test('a reset of the destination is a reset of the application', async () => {
    const { carrier } = split();
    await using destination = await openDestination((socket) => {
      socket.on('data', () => socket.resetAndDestroy());
    });
    await using pair = await openSocketPair();
    const failed = once(pair.application, 'close');
    pair.application.write('hello');
    const to = { host: '127.0.0.1', port: destination.port };
    const { end } = await carryFlow(carrier, pair.accepted, to);
    expect(end).toMatchObject({ kind: 'reset', by: 'destination' });
    await expect(failed).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

test('a name that nobody knows is refused, with the word that proxies have for it', async () => {
  const { carrier } = split();
  await using pair = await openSocketPair();
  const { end } = await carryFlow(carrier, pair.accepted, { host: 'nobody.example', port: 1 });
  expect(end).toMatchObject({
    kind: 'refused',
    description: expect.stringContaining('Name or service not known'),
  });
});
