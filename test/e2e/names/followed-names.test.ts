import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { type Dnsmasq, startDnsmasq } from '../../support/servers/dnsmasq.ts';
import { startTshuttle, stopTshuttle, untilSaid } from '../../support/tshuttle/tshuttle.ts';

/*
 * client: dnsmasq on 127.0.0.1, whose answers change ── bastion ── destination 10.77.0.2, 10.77.0.3
 */

const NAME = 'moving.public.example';
const LATER = 'later.public.example';

describe.skipIf(skipLab)('a name as SUBNET', () => {
  let lab: Lab;
  let resolver: Dnsmasq;

  beforeAll(async () => {
    lab = await createLab();
    resolver = await startDnsmasq(lab, lab.client, {
      name: 'outer',
      listenAddress: '127.0.0.1',
      hosts: [`${ADDRESSES.destination4} ${NAME}`],
      ttlSeconds: 1,
      options: ['--local=/public.example/'],
    });
  });
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const isReached = async (host: string): Promise<boolean> =>
    (await lab.application({ do: 'whoami', host, port: 7000, timeoutMs: 500 })).error === undefined;

  it.each(['nft', 'iptables'])(
    'follows its addresses, one that was dead at the start too, and no flow is cut (%s)',
    async (method) => {
      await resolver.setHosts([`${ADDRESSES.destination4} ${NAME}`]);
      const tshuttle = await startTshuttle(lab, ['-v', '--method', method, NAME, LATER]);
      await untilSaid(tshuttle, `${LATER}: is not captured: the name does not resolve`);
      expect(await isReached(ADDRESSES.destination4)).toBe(true);
      expect(await isReached(ADDRESSES.otherDestination4)).toBe(false);

      const slow = lab.client.spawn(
        [
          'node',
          '-e',
          // Opened before the change, used after it.
          `const socket = require('node:net').connect(7080, '${ADDRESSES.destination4}');
         socket.on('connect', () => console.log('open'));
         socket.on('error', (error) => { console.log('failed', error.code); process.exit(1); });
         process.stdin.on('data', () => socket.end('GET / HTTP/1.0\\r\\n\\r\\n'));
         socket.on('data', (bytes) => console.log('answered', bytes.length));`,
        ],
        { interactive: true },
      );
      await slow.untilOutput(/open/);

      await resolver.setHosts([
        `${ADDRESSES.otherDestination4} ${NAME}`,
        `${ADDRESSES.farDestination4} ${LATER}`,
      ]);
      await until(async () => await isReached(ADDRESSES.otherDestination4), {
        deadlineMs: 15_000,
        what: () => `the new address captured: ${tshuttle.stderr}`,
      });
      await until(async () => await isReached(ADDRESSES.farDestination4), {
        deadlineMs: 15_000,
        what: () => `the name that resolves by now captured: ${tshuttle.stderr}`,
      });
      await untilSaid(tshuttle, `${LATER} resolves now`);
      slow.write('go\n');
      await slow.untilOutput(/answered/);
      slow.kill();
      await slow.exited;
      await stopTshuttle(lab, tshuttle);
    },
  );

  it('may be one that only the resolver behind the bastion knows', async () => {
    await startDnsmasq(lab, lab.destination, {
      name: 'inner',
      listenAddress: ADDRESSES.destination4,
      hosts: [`${ADDRESSES.destination4} db.inner.example`],
      options: ['--local=/inner.example/'],
    });
    const options = ['-v', '--dns', '--to-ns', ADDRESSES.destination4];
    const tshuttle = await startTshuttle(lab, [...options, 'db.inner.example:7000']);
    await until(async () => await isReached('db.inner.example'), {
      deadlineMs: 5_000,
      what: () => `the name captured: ${tshuttle.stderr}`,
    });
    await stopTshuttle(lab, tshuttle);
  });
});
