import { describe, expect, it } from 'vitest';
import { expectToCarry } from '../support/carrying.ts';
import { ADDRESSES, createLab } from '../support/lab.ts';
import { skipLab } from '../support/requirements.ts';
import { defineTask, TASK_ALIAS, TASK_NAME } from '../support/task-bastion.ts';
import { expectNothingLeft, runTshuttle, startTshuttle, stopTshuttle } from '../support/tshuttle.ts';

/*
 *  client ──ssh── a task of a cloud, known by a name ── destination
 *  198.51.100.2   198.51.100.1, then 198.51.100.7       10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const OTHER_ADDRESS = '198.51.100.7';
const DESTINATION = { host: ADDRESSES.destination4, seenAs: ADDRESSES.bastionInner4 };
const remote = `root@${TASK_NAME}`;

describe.skipIf(skipLab)('a bastion without a machine', () => {
  it('is found at its new address, by the key of its alias; a key that is new with the image is refused', async () => {
    await using lab = await createLab();
    const task = await defineTask(lab);
    const trust = [`UserKnownHostsFile=${task.knownHosts}`, `HostKeyAlias=${TASK_ALIAS}`];
    const strict = [...trust, 'GlobalKnownHostsFile=none', 'StrictHostKeyChecking=yes'];
    const sshOptions = ['-i', lab.sshd.userKey, ...strict.flatMap((option) => ['-o', option])];

    await task.start(ADDRESSES.bastion4);
    const before = await startTshuttle(lab, [SUBNET], { remote, sshOptions });
    await expectToCarry(lab, DESTINATION);
    await task.stop();
    expect(await before.exited).toMatchObject({ code: 75 });
    await expectNothingLeft(lab);

    await task.start(OTHER_ADDRESS);
    const after = await startTshuttle(lab, [SUBNET], { remote, sshOptions });
    expect(after.stdout).toContain(OTHER_ADDRESS);
    const seen = await lab.application({ do: 'whoami', host: DESTINATION.host, port: 7000 });
    expect(seen).toMatchObject({ peer: DESTINATION.seenAs });
    await stopTshuttle(lab, after);

    await task.stop();
    await task.rebuild();
    await task.start(OTHER_ADDRESS);
    const refused = await runTshuttle(lab, [SUBNET], { remote, sshOptions });
    expect(refused).toMatchObject({ code: 76 });
    expect(refused.stderr).toContain(`ssh-keygen -R '${TASK_ALIAS}'`);
    await expectNothingLeft(lab);
  });
});
