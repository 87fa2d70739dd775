import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../support/lab/lab.ts';
import { skipLab } from '../support/lab/requirements.ts';
import { Child, mustRun } from '../support/process/child.ts';

/*
 *  client                 bastion                 destination
 *  198.51.100.2 ───────── 198.51.100.1
 *                         10.77.0.1 ──────────── 10.77.0.2
 *  (and the same with IPv6; nothing is forwarded)
 */

function sshOptions(lab: Lab): string[] {
  return [
    '-F',
    'none',
    '-i',
    lab.sshd.userKey,
    '-o',
    `UserKnownHostsFile=${lab.sshd.knownHosts}`,
    '-o',
    'BatchMode=yes',
  ];
}

describe.skipIf(skipLab)('the lab itself', () => {
  it('keeps the client from the destination, IPv4 and IPv6, although there are routes', async () => {
    await using lab = await createLab();
    for (const host of [ADDRESSES.destination4, ADDRESSES.farDestination4, ADDRESSES.destination6]) {
      const result = await lab.application({ do: 'whoami', host, port: 7000, timeoutMs: 700 });
      expect(result.error, host).toMatch(/TIMEOUT|EHOSTUNREACH|ENETUNREACH|EACCES/);
    }
    const route = await lab.client.ip(`route get ${ADDRESSES.destination4}`);
    expect(route).toContain(`via ${ADDRESSES.bastion4}`);
  });

  it('lets the bastion reach every address of the destination, under its inner address', async () => {
    await using lab = await createLab();
    const destinations: Array<readonly [string, string]> = [
      [ADDRESSES.destination4, ADDRESSES.bastionInner4],
      [ADDRESSES.farDestination4, ADDRESSES.bastionInner4],
      [ADDRESSES.destination6, ADDRESSES.bastionInner6],
      [ADDRESSES.farDestination6, ADDRESSES.bastionInner6],
    ];
    for (const [host, peer] of destinations) {
      const argv = [
        'node',
        'test/support/lab/client.entry.mjs',
        JSON.stringify({ do: 'whoami', host, port: 7000 }),
      ];
      expect(JSON.parse(await lab.bastion.must(argv)), host).toMatchObject({ peer, local: host });
    }
  });

  it('carries bytes exactly through the real ssh client, both ways and with half-close', async () => {
    await using lab = await createLab();
    const forward = lab.client.spawn(
      [
        'ssh',
        ...sshOptions(lab),
        '-N',
        '-v',
        '-L',
        '5000:10.77.0.2:7000',
        '-L',
        `5080:[fd77::2]:${HTTP_PORT}`,
      ].concat(`root@${ADDRESSES.bastion4}`),
    );
    await forward.untilOutput(/Entering interactive session/);
    const here = { host: '127.0.0.1', port: 5000 } as const;
    const bytes = 3_000_001;
    expect(await lab.application({ do: 'download', ...here, bytes })).toMatchObject({
      exact: true,
      received: bytes,
    });
    expect(await lab.application({ do: 'upload', ...here, bytes })).toMatchObject({
      exact: true,
      sent: bytes,
    });
    expect(await lab.application({ do: 'both', ...here, bytes })).toMatchObject({
      exact: true,
      received: bytes,
    });
    expect(await lab.application({ do: 'farewell', ...here, bytes })).toMatchObject({
      exact: true,
      sent: bytes,
    });
    expect(await lab.application({ do: 'echo', ...here, bytes: 100_000 })).toMatchObject({ exact: true });
    expect(await lab.application({ do: 'whoami', ...here })).toMatchObject({ peer: ADDRESSES.bastionInner4 });
    expect(
      await lab.application({ do: 'http', host: '127.0.0.1', port: 5080, count: 40, concurrency: 10 }),
    ).toMatchObject({ succeeded: 40, failures: {}, peers: [ADDRESSES.bastionInner6] });
  });

  it('shows a difference of one byte as not exact', async () => {
    await using lab = await createLab();
    const argv = [
      'node',
      'test/support/lab/client.entry.mjs',
      JSON.stringify({ do: 'download', host: '::1', port: 1, bytes: 3 }),
    ];
    const liar = lab.client.spawn([
      'node',
      '-e',
      `
      require('node:net').createServer((s) => { s.on('error', () => {}); s.resume(); s.end('abc'); })
        .listen(1, '::1', () => console.log('ready'))`,
    ]);
    await liar.untilOutput(/ready/);
    expect(JSON.parse(await lab.client.must(argv))).toMatchObject({ received: 3, exact: false });
  });

  it('takes options of sshd, at the start and at a restart, and logs what sshd says', async () => {
    await using lab = await createLab({ sshd: ['AllowTcpForwarding no'] });
    const argv = ['ssh', ...sshOptions(lab), '-W', '10.77.0.2:7000', `root@${ADDRESSES.bastion6}`];
    const request = { stdin: '{"do":"whoami"}\n' };
    const refused = await lab.client.exec(argv, request);
    expect(refused.stderr).toContain('administratively prohibited');
    expect(lab.sshd.log()).toContain('Accepted publickey for root');

    await lab.sshd.restart(['ForceCommand /bin/false', 'MaxSessions 0']);
    const allowed = await lab.client.exec(argv, request);
    expect(allowed.stdout).toContain(ADDRESSES.bastionInner4);
  });

  it('gives the client an ordinary user who may sudo, without touching the machine', async () => {
    await using lab = await createLab();
    const before = await mustRun(['cat', '/etc/passwd']);
    expect(await lab.client.must(['id', '-un'], { user: 'alice' })).toBe('alice\n');
    expect(await lab.client.must(['sudo', '-n', 'id', '-un'], { user: 'alice' })).toBe('root\n');
    expect(await lab.client.must(['cat', lab.sshd.ordinaryUserKey], { user: 'alice' })).toContain(
      'PRIVATE KEY',
    );
    expect(await mustRun(['cat', '/etc/passwd'])).toBe(before);
  });

  it('shows the rules of all back ends, and none at first', async () => {
    await using lab = await createLab();
    expect(await lab.client.rules()).toBe('');
    await lab.client.must(['nft', 'add table inet one']);
    expect(await lab.client.rules()).toContain('table inet one');
  });

  it('leaves nothing behind', async () => {
    const lab = await createLab();
    const pids = (await Promise.all([lab.client, lab.bastion, lab.destination].map((n) => n.pids()))).flat();
    expect(pids.length).toBeGreaterThanOrEqual(2); // sshd and the destination
    await lab[Symbol.asyncDispose]();
    expect(await mustRun(['ip', 'netns', 'list'])).not.toContain(lab.client.name.replace(/client$/, ''));
    for (const pid of pids) expect(existsSync(`/proc/${pid}`), `process ${pid}`).toBe(false);
    expect(existsSync(lab.directory)).toBe(false);
  });

  it('removes what the lab of a killed test process left', async () => {
    const dead = new Child(['true']);
    await dead.exited;
    const left = `tshuttle-lab-${dead.pid}-1-client`;
    await mustRun(['ip', 'netns', 'add', left]);
    await using _lab = await createLab();
    expect(await mustRun(['ip', 'netns', 'list'])).not.toContain(left);
  });
});
