import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT } from '../support/lab.ts';
import { skipLab } from '../support/requirements.ts';
import { startTshuttle, stopTshuttle } from '../support/tshuttle.ts';

/*
 *  client ──the user's own ssh── bastion ── destination
 *  198.51.100.2       198.51.100.1 / 10.77.0.1      10.77.0.2
 */

const MEBIBYTE = 1024 * 1024;
const SUBNET = '10.77.0.0/24';
const here = { host: ADDRESSES.destination4, port: 7000 } as const;
const OPENSSH = ['--transport', 'openssh'];

describe.skipIf(skipLab).each(['socks', 'handover'] as const)('the ssh of this machine, by %s', (carry) => {
  const args = [...OPENSSH, '--openssh-carry', carry];

  it('carries 200 flows at once, byte-exact, through a bastion that forces a command', async () => {
    await using lab = await createLab({ sshd: ['ForceCommand /bin/false', 'PermitTTY no', 'MaxSessions 0'] });
    const tshuttle = await startTshuttle(lab, [...args, '-v', '0/0']);
    const both = await lab.application({ do: 'both', ...here, bytes: 100_000, count: 200 });
    expect(both).toMatchObject({ exact: true, received: 20_000_000, sent: 20_000_000 });
    const requests = { do: 'http', ...here, port: HTTP_PORT, count: 400, concurrency: 200 } as const;
    expect(await lab.application(requests)).toMatchObject({
      succeeded: 400,
      peers: [ADDRESSES.bastionInner4],
    });
    await stopTshuttle(lab, tshuttle);
  });

  it('loses no byte where keys change every MiB', async () => {
    await using lab = await createLab({ sshd: ['RekeyLimit 1M'] });
    const tshuttle = await startTshuttle(lab, [...args, SUBNET]);
    const large = await lab.application({ do: 'both', ...here, bytes: 12 * MEBIBYTE });
    expect(large).toMatchObject({ exact: true, received: 12 * MEBIBYTE, sent: 12 * MEBIBYTE });
    await stopTshuttle(lab, tshuttle);
  });
});
