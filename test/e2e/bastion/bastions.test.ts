import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { BASTION_PASSWORD, BASTION_USER } from '../../support/lab/machine.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { mustRun } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { clientProcesses, startTshuttle, stopTshuttle, untilSaid } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──ssh── bastion ── destination        the bastion's sshd is configured in different ways
 *  198.51.100.2   198.51.100.1 / 10.77.0.1      10.77.0.2
 */

const MEBIBYTE = 1024 * 1024;
const SUBNET = '10.77.0.0/24';
const here = { host: ADDRESSES.destination4, port: 7000 } as const;

const HARDENED = [
  'ForceCommand /bin/false',
  'PermitTTY no',
  'MaxSessions 0',
  'AllowAgentForwarding no',
  'X11Forwarding no',
  'PermitTunnel no',
  'AllowStreamLocalForwarding no',
  'GatewayPorts no',
  'PermitUserRC no',
];

describe.skipIf(skipLab)('a bastion', () => {
  it('that allows nothing but TCP forwarding will do', async () => {
    await using lab = await createLab({ sshd: HARDENED });
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    expect(await lab.application({ do: 'both', ...here, bytes: 4 * MEBIBYTE })).toMatchObject({
      exact: true,
    });
    const requests = { do: 'http', ...here, port: HTTP_PORT, count: 100, concurrency: 50 } as const;
    expect(await lab.application(requests)).toMatchObject({ succeeded: 100 });
    await stopTshuttle(lab, tshuttle);
  });

  it.each(['ssh2', 'openssh'])('that has a link-local address only will do, by %s', async (kind) => {
    await using lab = await createLab();
    const address = await until(() => linkLocalOf(lab), {
      deadlineMs: 10_000,
      what: () => 'a link-local address that no other device has (RFC 4862 section 5.4)',
    });
    await lab.sshd.restart([`ListenAddress [${address}%outer0]:2222`]);
    await until(() => lab.sshd.log().includes('port 2222'), {
      deadlineMs: 10_000,
      what: () => lab.sshd.log(),
    });
    const sshOptions = [
      ...['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`],
      ...['-o', `HostKeyAlias=${ADDRESSES.bastion4}`],
    ];
    for (const remote of [`root@[${address}%up0]:2222`, `root@${address}%up0`]) {
      const port = remote.endsWith('2222') ? [] : ['-o', 'Port=2222'];
      const options = { remote, sshOptions: [...sshOptions, ...port] };
      const tshuttle = await startTshuttle(lab, ['--transport', kind, SUBNET], options);
      expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({
        peer: ADDRESSES.bastionInner4,
      });
      await stopTshuttle(lab, tshuttle);
    }
  });

  it('that changes keys every MiB costs no byte in 64 MiB both ways', async () => {
    await using lab = await createLab({ sshd: ['RekeyLimit 1M'] });
    const tshuttle = await startTshuttle(lab, [SUBNET]);
    const result = await lab.application({ do: 'both', ...here, bytes: 64 * MEBIBYTE, timeoutMs: 50_000 });
    expect(result).toMatchObject({ exact: true, received: 64 * MEBIBYTE, sent: 64 * MEBIBYTE });
    await stopTshuttle(lab, tshuttle);
  });

  it.each([
    ['ssh2', []],
    ['openssh', []],
    ['openssh', ['--openssh-carry', 'handover']],
  ])(
    'that permits one destination, or none, makes the others end in a reset, and what to ask for is said, by %s %j',
    async (kind, carry) => {
      const transport = ['--transport', kind, ...carry];
      await using lab = await createLab({ sshd: ['PermitOpen 10.77.0.2:7000'] });
      const tshuttle = await startTshuttle(lab, [...transport, SUBNET]);
      expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({
        peer: ADDRESSES.bastionInner4,
      });
      const refused = await lab.application({ do: 'whoami', ...here, port: 7001 });
      expect(refused).toMatchObject({ error: 'ECONNRESET' });
      expect(refused.afterMs).toBeLessThan(1_000);
      await untilSaid(
        tshuttle,
        'the bastion prohibits forwarding to 10.77.0.2:7001: it forwards to 10.77.0.2:7000, so it permits some ' +
          'destinations only; ask for 10.77.0.2:7001 in PermitOpen of its sshd_config',
      );
      await stopTshuttle(lab, tshuttle);

      await lab.sshd.restart(['AllowTcpForwarding no']);
      const runtime = { XDG_RUNTIME_DIR: lab.directory };
      const closed = await startTshuttle(lab, [...transport, SUBNET], { env: runtime });
      expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({ error: 'ECONNRESET' });
      await untilSaid(
        closed,
        'the bastion prohibits forwarding to 10.77.0.2:7000: sshd does not tell which of its settings prohibits it; ' +
          'ask for AllowTcpForwarding yes (or local), no DisableForwarding and, if it has PermitOpen, 10.77.0.2:7000 in that',
      );
      const status = await lab.client.exec(['node', 'bin/tshuttle', 'status'], { env: runtime });
      expect(status.stdout).toMatch(
        / all fail .*! 1 connection refused by the bastion.* 10\.77\.0\.2:7000.*-> ask for AllowTcpForwarding/s,
      );
      const json = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json'], { env: runtime });
      expect(json.stdout).toMatch(/"cause": ?"prohibited",\s*"count": ?1,/);
      await stopTshuttle(lab, closed);
    },
  );

  it('that has 1,024 descriptors carries 1,500 flows at the same time, over further connections', async () => {
    await using lab = await createLab();
    for (const pid of await lab.bastion.pids()) {
      await mustRun(['prlimit', '--pid', String(pid), '--nofile=1024:1024']);
    }
    const tshuttle = await startTshuttle(lab, ['-v', SUBNET]);
    const together = { do: 'together', ...here, count: 1_500, timeoutMs: 50_000 } as const;
    expect(await lab.application(together)).toMatchObject({ exact: true, received: 1_500 });
    expect(tshuttle.stderr).toContain('one more connection to root@');
    await stopTshuttle(lab, tshuttle);
  });

  it('that takes a password gets it, and nobody else sees it', async () => {
    await using lab = await createLab({ sshd: ['PasswordAuthentication yes', 'PubkeyAuthentication no'] });
    const tshuttle = await startTshuttle(lab, ['-vvv', SUBNET], {
      remote: `${BASTION_USER.name}:${BASTION_PASSWORD}@${ADDRESSES.bastion4}`,
      user: 'alice',
    });
    expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    expect(tshuttle.stdout + tshuttle.stderr).not.toContain(BASTION_PASSWORD);
    const others = (await clientProcesses(lab)).filter(({ pid }) => pid !== tshuttle.pid);
    expect(others.length).toBeGreaterThan(0);
    for (const { pid, argv } of others) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
      expect(`${argv.join(' ')} ${environment}`).not.toContain(BASTION_PASSWORD);
    }
    await stopTshuttle(lab, tshuttle);
  });

  it('that is a Host alias of ~/.ssh/config is found there', async () => {
    await using lab = await createLab();
    const config = [
      'Host office',
      `  HostName ${ADDRESSES.bastion6}`,
      '  User root',
      `  IdentityFile ${lab.sshd.ordinaryUserKey}`,
      `  UserKnownHostsFile ${lab.sshd.knownHosts}`,
    ];
    await writeFile(join(lab.machine.homeOf('alice'), '.ssh', 'config'), `${config.join('\n')}\n`);
    const tshuttle = await startTshuttle(lab, [SUBNET], { user: 'alice', remote: 'office', sshOptions: [] });
    expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    await stopTshuttle(lab, tshuttle);
  });
});

async function linkLocalOf(lab: Lab): Promise<string | undefined> {
  const shown = await lab.bastion.must(['ip', '-6', 'addr', 'show', 'dev', 'outer0', 'scope', 'link']);
  return shown.includes('tentative') ? undefined : /inet6 (fe80::[0-9a-f:]+)/.exec(shown)?.[1];
}
