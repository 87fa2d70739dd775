import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { residentBytes, startTshuttle, stopTshuttle } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client                 bastion                 destination
 *  198.51.100.2 ──ssh──── 198.51.100.1
 *  redirected             10.77.0.1 ──direct────── 10.77.0.2, .3   10.78.0.2
 *                         fd77::1 ──────────────── fd77::2, ::3    fd78::2
 */

const MEBIBYTE = 1024 * 1024;
const UNREACHED = /TIMEOUT|EHOSTUNREACH|ENETUNREACH/;
const families = [
  { family: 'IPv4', host: ADDRESSES.destination4, peer: ADDRESSES.bastionInner4, subnet: '10.77.0.0/24' },
  { family: 'IPv6', host: ADDRESSES.destination6, peer: ADDRESSES.bastionInner6, subnet: 'fd77::/64' },
] as const;

it.skipIf(skipLab)('spreads flows over several connections, none of them captured itself', async () => {
  await using lab = await createLab();
  const tshuttle = await startTshuttle(lab, ['--connections', '3', '0/0']);
  const connections = async () =>
    (await lab.client.must(['ss', '-Hnt', 'state', 'established', `dst ${ADDRESSES.bastion4}`]))
      .trim()
      .split('\n').length;
  const host = ADDRESSES.destination4;
  await until(
    async () => {
      const both = await lab.application({ do: 'both', host, port: 7000, bytes: MEBIBYTE, count: 20 });
      expect(both).toMatchObject({ exact: true });
      return (await connections()) === 3;
    },
    { deadlineMs: 30_000, what: 'three connections' },
  );
  const result = await lab.application({ do: 'http', host, port: HTTP_PORT, count: 200, concurrency: 100 });
  expect(result).toMatchObject({ succeeded: 200, failures: {}, peers: [ADDRESSES.bastionInner4] });
  await stopTshuttle(lab, tshuttle);
});

describe.skipIf(skipLab).each(families)('over $family', ({ host, peer, subnet }) => {
  it('moves 48 MiB down and 24 MiB up with half-close, byte-exact', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [subnet]);
    const down = await lab.application({ do: 'download', host, port: 7000, bytes: 48 * MEBIBYTE });
    expect(down).toMatchObject({ exact: true, received: 48 * MEBIBYTE });
    const up = await lab.application({ do: 'upload', host, port: 7000, bytes: 24 * MEBIBYTE });
    expect(up).toMatchObject({ exact: true, sent: 24 * MEBIBYTE });
    const both = await lab.application({ do: 'both', host, port: 7000, bytes: 16 * MEBIBYTE });
    expect(both).toMatchObject({ exact: true });
    // The other half closes first: the upload begins after the destination's EOF.
    const late = await lab.application({ do: 'farewell', host, port: 7000, bytes: 4 * MEBIBYTE });
    expect(late).toMatchObject({ exact: true, sent: 4 * MEBIBYTE });
    await stopTshuttle(lab, tshuttle);
  });

  it('loses none of 400 requests, 200 at a time, and shows the destination the bastion', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [subnet]);
    const result = await lab.application({ do: 'http', host, port: HTTP_PORT, count: 400, concurrency: 200 });
    expect(result).toMatchObject({ succeeded: 400, failures: {}, peers: [peer] });
    expect(await lab.application({ do: 'whoami', host, port: 7001 })).toMatchObject({
      peer,
      local: host,
      port: 7001,
    });
    await stopTshuttle(lab, tshuttle);
  });

  // sshd reports a failed read as EOF (a reset has no message of its own in the protocol), and a failed write as a close.
  it('breaks the upload to a destination that resets', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [subnet]);
    const result = await lab.application({ do: 'reset', host, port: 7000, bytes: 64 * MEBIBYTE });
    expect(result.error).toMatch(/ECONNRESET|EPIPE/);
    expect(await lab.application({ do: 'whoami', host, port: 7000 })).toMatchObject({ peer });
    await stopTshuttle(lab, tshuttle);
  });

  it.each(['stall', 'hold'] as const)(
    'keeps memory bounded, and other flows going, beside eight that %s',
    async (action) => {
      await using lab = await createLab();
      const tshuttle = await startTshuttle(lab, [subnet]);
      const echo = { do: 'echo', host, port: 7000, bytes: 4 * MEBIBYTE } as const;
      expect(await lab.application(echo)).toMatchObject({ exact: true });
      const before = await residentBytes(tshuttle.pid);
      const stuck = Array.from({ length: 8 }, () =>
        lab.application({ do: action, host, port: 7000, bytes: 256 * MEBIBYTE, timeoutMs: 3_000 }),
      );
      expect(await lab.application(echo)).toMatchObject({ exact: true });
      for (const result of await Promise.all(stuck)) expect(result.error).toBe('TIMEOUT');
      expect((await residentBytes(tshuttle.pid)) - before).toBeLessThan(96 * MEBIBYTE);
      await stopTshuttle(lab, tshuttle);
    },
  );
});

describe.skipIf(skipLab)('what is captured', () => {
  it.each([ADDRESSES.bastion4, `[${ADDRESSES.bastion6}]`])(
    'is everything with 0/0 ::/0, the bastion %s inside it',
    async (bastion) => {
      await using lab = await createLab();
      const tshuttle = await startTshuttle(lab, ['0/0', '::/0'], { remote: `root@${bastion}` });
      const destinations = [
        ADDRESSES.destination4,
        ADDRESSES.farDestination4,
        ADDRESSES.destination6,
        ADDRESSES.farDestination6,
      ];
      for (const host of destinations) {
        expect(await lab.application({ do: 'echo', host, port: 7000, bytes: 100_000 }), host).toMatchObject({
          exact: true,
        });
      }
      await stopTshuttle(lab, tshuttle);
    },
  );

  it('is neither what -x excludes nor a port outside the range', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [
      '10.77.0.0/24:8000-8005',
      '10.78.0.0/24',
      '[fd77::/64]:8000-8005',
      ...['-x', '10.77.0.3', '-x', '10.78.0.0/24:8001', '-x', '[fd77::3]:8000'],
    ]);
    const expected: Array<readonly [string, number, 'captured' | 'left alone']> = [
      [ADDRESSES.destination4, 8000, 'captured'],
      [ADDRESSES.destination4, 8005, 'captured'],
      [ADDRESSES.destination4, 8010, 'left alone'],
      [ADDRESSES.destination4, 7000, 'left alone'],
      // The range is narrower than the exclude's "all ports", so it decides (sshuttle's order).
      [ADDRESSES.otherDestination4, 8001, 'captured'],
      [ADDRESSES.otherDestination4, 7000, 'left alone'],
      [ADDRESSES.farDestination4, 7000, 'captured'],
      [ADDRESSES.farDestination4, 8001, 'left alone'],
      [ADDRESSES.destination6, 8001, 'captured'],
      [ADDRESSES.destination6, 8010, 'left alone'],
      [ADDRESSES.otherDestination6, 8000, 'left alone'],
      [ADDRESSES.otherDestination6, 8001, 'captured'],
      [ADDRESSES.farDestination6, 7000, 'left alone'],
    ];
    const results = await Promise.all(
      expected.map(
        async ([host, port]) => await lab.application({ do: 'whoami', host, port, timeoutMs: 3_000 }),
      ),
    );
    for (const [index, [host, port, what]] of expected.entries()) {
      const result = results[index];
      if (what === 'captured') expect(result, `${host} ${port}`).toMatchObject({ local: host, port });
      else expect(result?.error, `${host} ${port}`).toMatch(UNREACHED);
    }
    await stopTshuttle(lab, tshuttle);
  });

  it('is IPv4 only with --disable-ipv6', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['--disable-ipv6', '0/0']);
    expect(await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 })).toMatchObject({
      port: 7000,
    });
    const six = await lab.application({
      do: 'whoami',
      host: ADDRESSES.destination6,
      port: 7000,
      timeoutMs: 700,
    });
    expect(six.error).toMatch(UNREACHED);
    await stopTshuttle(lab, tshuttle);
  });

  it('is what a name stands for', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, ['db.lab:7000', 'nowhere.invalid']);
    expect(tshuttle.stdout + tshuttle.stderr).toContain('nowhere.invalid');
    const [v4, v6, otherPort] = await Promise.all([
      lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 }),
      lab.application({ do: 'whoami', host: ADDRESSES.destination6, port: 7000 }),
      lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7001, timeoutMs: 700 }),
    ]);
    expect([v4.port, v6.port]).toEqual([7000, 7000]);
    expect(otherPort.error).toMatch(UNREACHED);
    await stopTshuttle(lab, tshuttle);
  });
});
