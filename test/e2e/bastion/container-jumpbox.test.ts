import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectToCarry } from '../../support/clients/carrying.ts';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { until } from '../../support/process/until.ts';
import { MAX_RETRY, openJumpbox } from '../../support/servers/jumpbox.ts';
import { makeKeys, startAgent } from '../../support/servers/ssh-agent.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── jumpbox ── destination        sshd, rsyslog and fail2ban; forwarding and nothing else
 *  198.51.100.2   198.51.100.1                  10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const DESTINATION = { host: ADDRESSES.destination4, seenAs: ADDRESSES.bastionInner4 };
const remote = `${BASTION_USER.name}@${ADDRESSES.bastion4}`;
/** A second address of the client's, which may be banned. */
const STRANGER = '198.51.100.3';

/** OpenSSH's own client from the stranger's address, with what the agent has. */
async function knock(lab: Lab, agentSocket: string): Promise<string> {
  const options = ['BatchMode=yes', 'ConnectTimeout=5', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
  const result = await lab.client.exec(
    [
      'timeout',
      '8',
      'ssh',
      '-F',
      'none',
      '-b',
      STRANGER,
      ...options.flatMap((one) => ['-o', one]),
      remote,
      'true',
    ],
    { env: { SSH_AUTH_SOCK: agentSocket } },
  );
  return result.stderr;
}

describe.skipIf(skipLab)('a jumpbox in a container, with fail2ban', () => {
  it('that gives no session to anybody carries all the same, and lets nobody in as root', async () => {
    await using lab = await createLab();
    const jumpbox = await openJumpbox(lab);
    const tshuttle = await startTshuttle(lab, [SUBNET], { remote });
    await expectToCarry(lab, DESTINATION);
    await stopTshuttle(lab, tshuttle);

    const handover = ['--openssh-carry', 'handover'] as const;
    for (const carry of [[], handover]) {
      const before = (await jumpbox.log()).length;
      const bySsh = await startTshuttle(lab, ['--transport', 'openssh', ...carry, SUBNET], { remote });
      await expectToCarry(lab, DESTINATION, carry[1]);
      await stopTshuttle(lab, bySsh);
      expect((await jumpbox.log()).slice(before).match(/Connection from/g)).toHaveLength(1);
    }

    const before = (await jumpbox.log()).length;
    const asRoot = await runTshuttle(lab, [SUBNET]);
    expect(asRoot).toMatchObject({ code: 77 });
    expect((await jumpbox.log()).slice(before).match(/Connection from/g)).toHaveLength(1);
    await expectNothingLeft(lab);
    expect(await jumpbox.banned()).toEqual([]);
  });

  it('does not ban an address for wrong keys of ours, as it does for those of others', async () => {
    await using lab = await createLab();
    const jumpbox = await openJumpbox(lab);
    await lab.client.ip(`addr add ${STRANGER}/24 dev up0`);
    await using agent = await startAgent(join(lab.directory, 'agent.sock'), await makeKeys(lab, 8));
    const env = { SSH_AUTH_SOCK: agent.socket };
    const knownHosts = ['-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];

    for (let run = 0; run <= MAX_RETRY; run += 1) {
      const result = await runTshuttle(lab, [SUBNET], { remote, env, sshOptions: knownHosts });
      expect(result, result.stderr).toMatchObject({ code: 77 });
    }
    const ours = await jumpbox.log();
    expect(ours.match(/Connection from 198\.51\.100\.2 /g)).toHaveLength(MAX_RETRY + 1);
    expect(ours).not.toMatch(/maximum authentication attempts exceeded|Too many authentication failures/);

    // ssh offers every key of the agent, where none is named: with the named one alone it is no more than ours.
    const named = ['-i', lab.sshd.strangerKey, '-o', 'IdentitiesOnly=yes', ...knownHosts];
    for (let run = 0; run <= MAX_RETRY; run += 1) {
      const result = await runTshuttle(lab, ['--transport', 'openssh', SUBNET], {
        remote,
        env,
        sshOptions: named,
      });
      expect(result, result.stderr).toMatchObject({ code: 77 });
    }
    expect((await jumpbox.log()).slice(ours.length).match(/Connection from 198\.51\.100\.2 /g)).toHaveLength(
      MAX_RETRY + 1,
    );

    await until(
      async () => {
        // fail2ban logs the ban before it sets the rule: a connection may still begin, and hangs then.
        const said = await knock(lab, agent.socket);
        return said.includes('Connection refused') && (await jumpbox.banned()).includes(STRANGER);
      },
      { deadlineMs: 40_000, what: () => 'OpenSSH with the same agent is banned' },
    );

    expect(await jumpbox.banned()).toEqual([STRANGER]);
    const tshuttle = await startTshuttle(lab, [SUBNET], { remote });
    await stopTshuttle(lab, tshuttle);
  });
});
