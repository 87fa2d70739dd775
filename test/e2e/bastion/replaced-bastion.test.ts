import { describe, expect, it } from 'vitest';
import { expectToCarry } from '../../support/clients/carrying.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { defineTask, TASK_ALIAS, TASK_NAME } from '../../support/servers/task-bastion.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── a task of a cloud, known by a name ── destination
 *  198.51.100.2   198.51.100.1, then 198.51.100.7       10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const OTHER_ADDRESS = '198.51.100.7';
const DESTINATION = { host: ADDRESSES.destination4, seenAs: ADDRESSES.bastionInner4 };
const remote = `root@${TASK_NAME}`;

async function isCarried(lab: Lab): Promise<boolean> {
  const request = { do: 'whoami', host: DESTINATION.host, port: 7000, timeoutMs: 5_000 } as const;
  return (await lab.application(request)).peer === DESTINATION.seenAs;
}

describe.skipIf(skipLab)('a bastion without a machine', () => {
  it.each([
    {
      transport: 'ssh2',
      otherCarry: undefined,
      refusal: 'shows the RSA key',
    },
    {
      transport: 'openssh',
      otherCarry: 'handover',
      refusal: 'Host key verification failed',
    },
  ] as const)(
    'is found at its new address while we run, by the key of its alias; a key that is new with the image is refused, by $transport',
    async ({ transport, otherCarry, refusal }) => {
      await using lab = await createLab();
      const task = await defineTask(lab);
      const trust = [`UserKnownHostsFile=${task.knownHosts}`, `HostKeyAlias=${TASK_ALIAS}`];
      const strict = [...trust, 'GlobalKnownHostsFile=none', 'StrictHostKeyChecking=yes'];
      const sshOptions = ['-i', lab.sshd.userKey, ...strict.flatMap((option) => ['-o', option])];
      const args = ['--transport', transport];

      await task.start(ADDRESSES.bastion4);
      if (otherCarry !== undefined) {
        const other = [...args, '--openssh-carry', otherCarry, SUBNET];
        const handedOver = await startTshuttle(lab, other, { remote, sshOptions });
        await expectToCarry(lab, DESTINATION, otherCarry);
        await stopTshuttle(lab, handedOver);
      }
      const tshuttle = await startTshuttle(lab, [...args, '-v', SUBNET], { remote, sshOptions });
      await expectToCarry(lab, DESTINATION);
      await task.stop();
      await task.start(OTHER_ADDRESS);
      await until(() => isCarried(lab), {
        deadlineMs: 40_000,
        what: () => `a connection: ${tshuttle.stderr}`,
      });
      const sockets = ['ss', '-Hnt', 'state', 'established', 'dst', OTHER_ADDRESS];
      expect(await lab.client.must(sockets)).toContain(`${OTHER_ADDRESS}:22`);

      await task.stop();
      await task.rebuild();
      await task.start(OTHER_ADDRESS);
      await until(
        async () => {
          await isCarried(lab);
          return tshuttle.stderr.includes(refusal);
        },
        { deadlineMs: 40_000, what: () => `the new key is refused: ${tshuttle.stderr}` },
      );
      await stopTshuttle(lab, tshuttle);
      const refused = await runTshuttle(lab, [...args, SUBNET], { remote, sshOptions });
      expect(refused).toMatchObject({ code: 76 });
      expect(refused.stderr).toContain(`ssh-keygen -R '${TASK_ALIAS}'`);
      await expectNothingLeft(lab);
    },
    120_000,
  );
});
