import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab, type Lab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import type { Child } from '../../support/process/child.ts';
import { until } from '../../support/process/until.ts';
import { expectNothingLeft, tshuttleProcesses } from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ── bastion, which forwards here ── destination       nothing tracks connections before tshuttle does
 *     └───────── open before the start ──────────┘             each side has dialled the other, in both families
 */

const PAIRS = [
  [ADDRESSES.client4, ADDRESSES.destination4],
  [ADDRESSES.client6, ADDRESSES.destination6],
] as const;
const LOCAL = ['127.0.0.1', '::1'] as const;

/** What may break a connection. Before each of them some have never spoken, so that the tracker does not know these. */
const STAGES = ['start', 'reload', 'reconnect', 'helper restart', 'forgetting tracker', 'end'] as const;

describe.skipIf(skipLab)('connections that are open before the start', { timeout: 120_000 }, () => {
  it.each(['nft', 'iptables'])('%s: live on, whatever the tunnel does', async (method) => {
    await using lab = await createLab();
    await lab.bastion.must(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
    const { speaker } = await openConnections(lab);
    const tshuttle = (...words: readonly string[]) => lab.client.must(['node', 'bin/tshuttle', ...words]);
    await writeProfile(lab, method, ['0/0', '::/0']);

    let spoken = 0;
    const expectAllToLive = async (stage: (typeof STAGES)[number]): Promise<void> => {
      spoken += 1;
      speaker.write(`speak ${spoken}\n`);
      const [, outcomes = ''] = await speaker.untilOutput(new RegExp(`^spoken ${spoken} (.*)$`, 'm'));
      const all = Array.from({ length: spoken }, () => 'answered');
      const kinds = [
        ...PAIRS.flatMap(([here, there]) => [`accepted ${here}`, `dialled ${there}`]),
        ...LOCAL.flatMap((address) => [`accepted ${address}`, `dialled ${address}`]),
      ];
      const expected = Object.fromEntries(kinds.map((kind) => [kind, all]));
      expect(JSON.parse(outcomes), `after the ${stage}`).toEqual(expected);
    };

    await tshuttle('up', 'all');
    expect(await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 })).toMatchObject({
      peer: ADDRESSES.bastionInner4,
    });
    await expectAllToLive('start');

    await writeProfile(lab, method, ['0/0', '::/0', '192.0.2.0/24']);
    expect(await tshuttle('reload', 'all')).toContain('applied: subnets');
    await expectAllToLive('reload');

    await lab.sshd.restart();
    await until(async () => (await status(lab)).reconnects === 1, {
      deadlineMs: 30_000,
      what: 'it is connected again',
    });
    await expectAllToLive('reconnect');

    const { helper } = await tshuttleProcesses(lab);
    process.kill(helper, 'SIGKILL');
    await until(
      async () => {
        const next = await tshuttleProcesses(lab).catch(() => undefined); // for a moment there is none
        return next !== undefined && next.helper !== helper && (await status(lab)).isUp;
      },
      { deadlineMs: 20_000, what: 'another helper has its rules' },
    );
    await expectAllToLive('helper restart');

    await lab.client.must(['conntrack', '-F']);
    await expectAllToLive('forgetting tracker');

    await tshuttle('down', 'all');
    await expectAllToLive('end');
    speaker.kill();
    await speaker.exited;
    await expectNothingLeft(lab);
  });
});

/** Each side listens, then each dials the other. */
async function openConnections(lab: Lab): Promise<{ readonly speaker: Child }> {
  const script = 'test/support/clients/open-connections.entry.mjs';
  const argv = (role: string, pairs: readonly string[]) => [
    'node',
    script,
    role,
    `${STAGES.length}`,
    ...pairs,
  ];
  const here = [...PAIRS.map((pair) => pair.join('=')), ...LOCAL.map((address) => `${address}=${address}`)];
  const there = PAIRS.map(([client, destination]) => `${destination}=${client}`);
  const speaker = lab.client.spawn(argv('speaker', here), { interactive: true });
  const echoer = lab.destination.spawn(argv('echoer', there), { interactive: true });
  for (const side of [speaker, echoer]) await side.untilOutput(/^listening$/m);
  for (const side of [speaker, echoer]) {
    side.write('dial\n');
    await side.untilOutput(/^dialled$/m);
  }
  return { speaker };
}

async function status(lab: Lab): Promise<{ readonly isUp: boolean; readonly reconnects: number }> {
  const { stdout: output } = await lab.client.exec(['node', 'bin/tshuttle', 'status', '--json']);
  const [tunnel] = (
    JSON.parse(output) as {
      tunnels: ReadonlyArray<{ status: { state: { kind: string }; reconnects: number } }>;
    }
  ).tunnels;
  return { isUp: tunnel?.status.state.kind === 'up', reconnects: tunnel?.status.reconnects ?? 0 };
}

async function writeProfile(lab: Lab, method: string, subnets: readonly string[]): Promise<void> {
  const folder = join(lab.machine.homeOf('root'), '.config', 'tshuttle');
  await mkdir(folder, { recursive: true });
  const profile = {
    remote: `root@${ADDRESSES.bastion4}`,
    subnets,
    method,
    identity: [lab.sshd.userKey],
    ssh_options: [`UserKnownHostsFile=${lab.sshd.knownHosts}`],
  };
  await writeFile(join(folder, 'config.yaml'), JSON.stringify({ profiles: { all: profile } }), {
    mode: 0o600,
  });
}
