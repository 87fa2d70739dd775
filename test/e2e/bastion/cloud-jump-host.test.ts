import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectToCarry } from '../../support/clients/carrying.ts';
import { ADDRESSES, createLab } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { startAgent } from '../../support/servers/ssh-agent.ts';
import { startTshuttle, stopTshuttle } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── a cloud's stock machine ── the cloud's API, which admits that machine only
 *  198.51.100.2   198.51.100.1 / 10.77.0.1   10.77.0.2
 */

/** As narrow as what the name in `auth_url` resolves to. */
const RANGE = `${ADDRESSES.destination4}/32`;
const DESTINATION = { host: ADDRESSES.destination4, seenAs: ADDRESSES.bastionInner4 };
const remote = `${BASTION_USER.name}@${ADDRESSES.bastion4}`;

/** sshd_config of a Debian cloud image, with cloud-init's PasswordAuthentication. */
const STOCK = [
  'UsePAM yes',
  'X11Forwarding yes',
  'PrintMotd no',
  'AcceptEnv LANG LC_*',
  'Subsystem sftp /usr/lib/openssh/sftp-server',
  'MaxStartups 10:30:100',
];

describe.skipIf(skipLab)('a jump host that is a stock machine of a cloud', () => {
  it('is used with a key file, and with a key that the agent has', async () => {
    await using lab = await createLab({ sshd: STOCK });
    const withFile = await startTshuttle(lab, [RANGE], { remote });
    await expectToCarry(lab, DESTINATION);
    // In the same network, and not in the range.
    const other = { do: 'whoami', host: ADDRESSES.otherDestination4, port: 7000, timeoutMs: 500 } as const;
    expect(await lab.application(other)).not.toHaveProperty('peer');
    await stopTshuttle(lab, withFile);

    await using agent = await startAgent(join(lab.directory, 'agent.sock'), [lab.sshd.userKey]);
    const withAgent = await startTshuttle(lab, [RANGE], {
      remote,
      env: { SSH_AUTH_SOCK: agent.socket },
      sshOptions: ['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`],
    });
    const seen = await lab.application({ do: 'whoami', host: DESTINATION.host, port: 7000 });
    expect(seen).toMatchObject({ peer: DESTINATION.seenAs });
    await stopTshuttle(lab, withAgent);

    const handover = ['--transport', 'openssh', '--openssh-carry', 'handover', RANGE];
    const handedOver = await startTshuttle(lab, handover, { remote });
    await expectToCarry(lab, DESTINATION, 'handover');
    await stopTshuttle(lab, handedOver);
    const copied = await startTshuttle(lab, ['--transport', 'openssh', RANGE], {
      remote,
      env: { SSH_AUTH_SOCK: agent.socket },
      sshOptions: ['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`],
    });
    await expectToCarry(lab, DESTINATION);
    await stopTshuttle(lab, copied);
  });
});
