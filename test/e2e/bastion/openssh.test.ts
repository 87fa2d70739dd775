import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { mustRun } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import {
  clientProcesses,
  expectNothingLeft,
  READY,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
  tshuttleArgv,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ──the user's own ssh── bastion ── destination
 *  198.51.100.2       198.51.100.1 / 10.77.0.1      10.77.0.2
 */

const MEBIBYTE = 1024 * 1024;
const SUBNET = '10.77.0.0/24';
const here = { host: ADDRESSES.destination4, port: 7000 } as const;
/** ssh is a second program to start, beside whatever else the machine does. */
const READY_WITHIN_MS = 30_000;
const OPENSSH = ['--transport', 'openssh'];

describe.skipIf(skipLab).each(['socks', 'handover'] as const)('the ssh of this machine, by %s', (carry) => {
  const args = [...OPENSSH, '--openssh-carry', carry];

  it('carries 200 flows at once through a bastion that forces a command and changes keys every MiB', async () => {
    await using lab = await createLab({
      sshd: [
        'RekeyLimit 1M',
        'KexAlgorithms curve25519-sha256',
        'ForceCommand /bin/false',
        'PermitTTY no',
        'MaxSessions 0',
      ],
    });
    const tshuttle = await startTshuttle(lab, [...args, '-v', '--log-format', 'json', '0/0']);
    const both = await lab.application({ do: 'both', ...here, bytes: 20_000, count: 200 });
    expect(both).toMatchObject({ exact: true, received: 4_000_000, sent: 4_000_000 });
    const requests = { do: 'http', ...here, port: HTTP_PORT, count: 200, concurrency: 200 } as const;
    expect(await lab.application(requests)).toMatchObject({
      succeeded: 200,
      peers: [ADDRESSES.bastionInner4],
    });
    const large = await lab.application({ do: 'both', ...here, bytes: 4 * MEBIBYTE });
    expect(large).toMatchObject({ exact: true, received: 4 * MEBIBYTE, sent: 4 * MEBIBYTE });
    // The request line goes up and the checksum comes down besides.
    await tshuttle.untilOutput(/"end":"eof","bytesUp":41943\d\d,"bytesDown":4194[34]\d\d,/);

    // The application sends only after the destination has ended its direction.
    const late = lab.application({ do: 'farewell', ...here, bytes: 100_000, timeoutMs: 10_000 });
    if (carry === 'socks') expect(await late).toMatchObject({ exact: true, sent: 100_000 });
    else expect(await late).not.toMatchObject({ exact: true });
    await stopTshuttle(lab, tshuttle);
  }, 120_000);

  it('is started again when ssh is killed, which resets what was open, and leaves nothing when tshuttle is', async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [...args, SUBNET]);
    const stuck = lab.application({ do: 'stall', ...here, bytes: 64 * MEBIBYTE });
    await until(async () => (await flowsAtDestination(lab)) > 0, { deadlineMs: 10_000, what: 'a flow' });
    process.kill(await masterOf(lab), 'SIGKILL');
    await tshuttle.untilOutput(/ssh was ended by SIGKILL/);
    expect(await stuck).toMatchObject({ error: expect.stringMatching(/ECONNRESET|EPIPE/) });

    expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    await tshuttle.untilOutput(/connected to .* again/);
    tshuttle.kill('SIGKILL');
    await tshuttle.exited;
    await expectNothingLeft(lab);
  });
});

describe.skipIf(skipLab)('the ssh of this machine', () => {
  it('is taken by itself for a bastion with post-quantum key exchange only, and logs in with a certificate', async () => {
    await using lab = await createLab();
    const authority = join(lab.directory, 'authority');
    await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', authority]);
    await mustRun([
      'ssh-keygen',
      '-q',
      '-s',
      authority,
      '-I',
      'lab',
      '-n',
      'root',
      `${lab.sshd.strangerKey}.pub`,
    ]);
    await lab.sshd.restart([
      'KexAlgorithms sntrup761x25519-sha512@openssh.com',
      `TrustedUserCAKeys ${authority}.pub`,
      'PermitOpen 10.77.0.2:7000',
    ]);
    const tshuttle = await startTshuttle(lab, [SUBNET], {
      sshOptions: optionsWith(lab, lab.sshd.strangerKey),
    });
    expect(tshuttle.stderr).toMatch(/transport openssh, not ssh2: .*no KexAlgorithms in common/);
    expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    const refused = await lab.application({ do: 'whoami', ...here, port: 7001 });
    expect(refused).toMatchObject({ error: 'ECONNRESET' });
    await tshuttle.untilOutput(/prohibits .*10\.77\.0\.2:7001/);
    await stopTshuttle(lab, tshuttle);
  });

  it('tells why it does not connect, after one series of attempts', async () => {
    await using lab = await createLab();
    const stranger = await runTshuttle(lab, [...OPENSSH, SUBNET], {
      sshOptions: optionsWith(lab, lab.sshd.strangerKey),
    });
    expect(stranger).toMatchObject({ code: 77, stderr: expect.stringContaining('Permission denied') });
    expect(lab.sshd.log().match(/Failed publickey/g)).toHaveLength(1);
    const unknown = await runTshuttle(lab, [...OPENSSH, SUBNET], {
      sshOptions: ['-i', lab.sshd.userKey, '-o', 'UserKnownHostsFile=none', '-o', 'BatchMode=yes'],
    });
    expect(unknown).toMatchObject({
      code: 76,
      stderr: expect.stringContaining('Host key verification failed'),
    });
    await lab.sshd.stop();
    const gone = await runTshuttle(lab, [...OPENSSH, SUBNET]);
    expect(gone).toMatchObject({ code: 68, stderr: expect.stringContaining('Connection refused') });
    await expectNothingLeft(lab);
  });

  it('that is up is joined without logging in, goes on afterwards, and is joined again when there is a new one', async () => {
    await using lab = await createLab();
    const path = join(lab.directory, 'control');
    const args = ['--control-path', path, SUBNET];
    const nobody = await runTshuttle(lab, args);
    expect(nobody).toMatchObject({ code: 68, stderr: expect.stringContaining('there is no such socket') });

    const login = ['-i', lab.sshd.userKey, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`];
    const startMaster = () =>
      lab.client.spawn(['ssh', '-M', '-N', '-S', path, ...login, `root@${ADDRESSES.bastion4}`]);
    const master = startMaster();
    const isUp = async (): Promise<boolean> =>
      (await lab.client.exec(['ssh', '-S', path, '-O', 'check', 'bastion'])).code === 0;
    await until(isUp, { deadlineMs: 10_000, what: 'the master' });
    // Whoever logs in now is refused.
    const tshuttle = lab.client.spawn(
      tshuttleArgv(lab, args, { sshOptions: optionsWith(lab, lab.sshd.strangerKey) }),
    );
    await tshuttle.untilOutput(READY, READY_WITHIN_MS);
    const both = await lab.application({ do: 'both', ...here, bytes: 20_000, count: 200 });
    expect(both).toMatchObject({ exact: true, received: 4_000_000, sent: 4_000_000 });
    expect(lab.sshd.log().match(/(?:Accepted|Failed) publickey/g)).toEqual(['Accepted publickey']);
    tshuttle.kill('SIGTERM');
    expect(await tshuttle.exited).toMatchObject({ code: 0 });
    expect(await isUp()).toBe(true);

    const again = lab.client.spawn(tshuttleArgv(lab, args));
    await again.untilOutput(READY, READY_WITHIN_MS);
    master.kill('SIGTERM');
    await again.untilOutput(/the ssh master at .* has ended/);
    await master.exited;
    const successor = startMaster();
    const carried = await lab.application({ do: 'whoami', ...here });
    expect(carried).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    again.kill('SIGTERM');
    expect(await again.exited).toMatchObject({ code: 0 });
    successor.kill('SIGTERM');
    await successor.exited;
    await expectNothingLeft(lab);
  });
});

function optionsWith(lab: Lab, key: string): string[] {
  return ['-i', key, '-o', `UserKnownHostsFile=${lab.sshd.knownHosts}`, '-o', 'IdentitiesOnly=yes'];
}

async function masterOf(lab: Lab): Promise<number> {
  const master = (await clientProcesses(lab)).find(({ argv }) => argv[0] === 'ssh' && argv.includes('-M'));
  if (master === undefined) throw new Error('no ssh in the client');
  return master.pid;
}

async function flowsAtDestination(lab: Lab): Promise<number> {
  const sockets = await lab.destination.must(['ss', '-Hnt', 'state', 'established', 'sport = :7000']);
  return sockets.split('\n').filter(Boolean).length;
}
