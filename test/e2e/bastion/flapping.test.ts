import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type SteadyRequest, startSteadyLoad } from '../../support/clients/steady-load.ts';
import { ADDRESSES, createLab, HTTP_PORT, type Lab } from '../../support/lab/lab.ts';
import { isLong } from '../../support/lab/long.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import { changesSeen, watchRules } from '../../support/lab/rule-changes.ts';
import type { Child } from '../../support/process/child.ts';
import { descriptorsOf, reportingResources, resourcesOf } from '../../support/process/resources.ts';
import { until } from '../../support/process/until.ts';
import {
  residentBytes,
  startTshuttle,
  stopTshuttle,
  tshuttleProcesses,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client ── 200 requests/s ── tshuttle ──ssh── bastion ── destination       sshd is killed again and again
 *  198.51.100.2                                 198.51.100.1   10.77.0.2
 */

const SUBNET = '10.77.0.0/24';
const RATE_PER_S = 200;
/** How soon a request that the connection's death has caught must have failed. */
const FAILS_WITHIN_MS = isLong ? 500 : 3_000; // CI's machine is busy with other tests
/** A connection that lasted for so long is made again soon. */
const LASTED_MS = 1_050;
const MIB = 1024 * 1024;

const resourcesFile = (lab: Lab): string => join(lab.directory, 'resources.json');

/** How often tshuttle has said so. */
function times(tshuttle: Child, pattern: RegExp): number {
  return tshuttle.stderr.match(pattern)?.length ?? 0;
}

async function untilTimes(tshuttle: Child, pattern: RegExp, count: number): Promise<void> {
  await until(() => times(tshuttle, pattern) >= count, {
    deadlineMs: 30_000,
    what: () => `${pattern} ${count} times:\n${tshuttle.stderr.slice(-2_000)}`,
  });
}

/** When a bastion was killed, when that was noticed, and when it began to run again; ms since 1970. */
interface Outage {
  readonly killedMs: number;
  readonly noticedMs: number;
  readonly restartedMs: number;
}

/** What was still open when the connection died: only that may fail. */
function wasCaught({ startMs, durationMs }: SteadyRequest, { killedMs, noticedMs }: Outage): boolean {
  return startMs <= noticedMs && startMs + durationMs >= killedMs;
}

describe.skipIf(skipLab)('a bastion that is killed again and again', { timeout: 180_000 }, () => {
  const kills = isLong ? 20 : 3;
  const durationMs = isLong ? 60_000 : 6_000;

  it(`${kills} times in ${durationMs / 1_000} s of steady load: what begins meanwhile is answered, and no rule changes`, async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET], { env: reportingResources(resourcesFile(lab)) });
    const { main, helper } = await tshuttleProcesses(lab);
    const monitor = await watchRules(lab.client);
    const load = await startSteadyLoad(lab.client, {
      host: ADDRESSES.destination4,
      port: HTTP_PORT,
      ratePerS: RATE_PER_S,
      durationMs,
    });
    const loadStartedMs = Date.now();

    const memory: Array<{ readonly main: number; readonly helper: number; readonly bytes: number }> = [];
    const sample = async () => {
      const { bytes } = await resourcesOf(resourcesFile(lab), main);
      memory.push({ main: await residentBytes(main), helper: await residentBytes(helper), bytes });
    };
    const outages: Outage[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      const dueMs = loadStartedMs + ((kill + 0.5) * durationMs) / kills - Date.now();
      await delay(Math.max(dueMs, LASTED_MS));
      await sample();
      const killedMs = Date.now();
      await lab.sshd.stop();
      await untilTimes(tshuttle, /lost the bastion/g, kill + 1);
      const noticedMs = Date.now();
      await delay(100 * (1 + (kill % 5)));
      const restartedMs = Date.now();
      await lab.sshd.restart();
      outages.push({ killedMs, noticedMs, restartedMs });
      await untilTimes(tshuttle, /again after/g, kill + 1);
      // What is open when the next one comes has to fail.
      await load.untilOver(Date.now());
    }
    const requests = await load.requests;
    await sample();

    const failed = requests.filter(({ outcome }) => outcome !== 'ok');
    const held = requests.filter(({ startMs }) =>
      outages.some(({ noticedMs, restartedMs }) => startMs > noticedMs && startMs < restartedMs),
    );
    const lost = failed.filter((request) => !outages.some((outage) => wasCaught(request, outage)));
    const slowestFailureMs = Math.max(
      0,
      ...failed.map(({ startMs, durationMs: tookMs }) => {
        const outage = outages.find((each) => wasCaught({ startMs, durationMs: tookMs, outcome: '' }, each));
        return startMs + tookMs - Math.max(startMs, outage?.noticedMs ?? 0);
      }),
    );
    const changes = changesSeen(monitor);
    if (isLong) {
      const slowestHeldMs = Math.max(...held.map(({ durationMs: tookMs }) => tookMs));
      console.log({ requests: requests.length, held: held.length, slowestHeldMs, failed: failed.length });
      console.log({ lost: lost.length, slowestFailureMs, changes: changes.length });
      console.log(
        'MiB',
        memory.map((each) =>
          Object.values(each)
            .map((bytes) => Math.round(bytes / MIB))
            .join('/'),
        ),
      );
    }
    expect(requests).toHaveLength((RATE_PER_S * durationMs) / 1_000);
    expect(held.length).toBeGreaterThan(0);
    expect(held.filter(({ outcome }) => outcome !== 'ok').slice(0, 5)).toEqual([]);
    expect(lost.slice(0, 5)).toEqual([]);
    expect(slowestFailureMs).toBeLessThan(FAILS_WITHIN_MS);
    expect(changes).toEqual([]);
    expect(memory.at(-1)!.bytes - memory[0]!.bytes, 'what a collection leaves').toBeLessThan(8 * MIB);
    expect(memory.at(-1)!.helper - memory[0]!.helper).toBeLessThan(8 * MIB);
    monitor.kill('SIGTERM');
    await monitor.exited;
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('a connection that flaps', { timeout: 600_000 }, () => {
  const losses = isLong ? 200 : 3;

  it(`${losses} times leaves no descriptor, timer, rule or memory behind`, async () => {
    await using lab = await createLab();
    const tshuttle = await startTshuttle(lab, [SUBNET], { env: reportingResources(resourcesFile(lab)) });
    const { main, helper } = await tshuttleProcesses(lab);
    const measure = async () => {
      const { active, bytes } = await resourcesOf(resourcesFile(lab), main);
      return {
        steady: {
          active,
          descriptors: await descriptorsOf(main),
          helperDescriptors: await descriptorsOf(helper),
          rules: (await lab.client.rules()).replace(/counter packets \d+ bytes \d+/g, 'counter'),
        },
        bytes,
        resident: { main: await residentBytes(main), helper: await residentBytes(helper) },
      };
    };

    let lost = 0;
    const lose = async (count: number): Promise<void> => {
      for (const end = lost + count; lost < end; ) {
        lost += 1;
        await delay(LASTED_MS);
        await killSessions(lab);
        await untilTimes(tshuttle, /lost the bastion/g, lost);
        const waited = await lab.application({ do: 'whoami', host: ADDRESSES.destination4, port: 7000 });
        expect(waited).toMatchObject({ peer: ADDRESSES.bastionInner4 });
        await untilTimes(tshuttle, /again after/g, lost);
      }
    };
    await lose(2); // what it needs to begin with
    await delay(LASTED_MS);
    const before = await measure();
    await lose(losses);
    const after = await measure();
    // What has just been answered may not be closed yet.
    await expect.poll(async () => (await measure()).steady, { timeout: 10_000 }).toEqual(before.steady);
    if (isLong) console.log(JSON.stringify({ before, after }, undefined, 1));
    expect(after.bytes - before.bytes).toBeLessThan(4 * MIB);
    expect(after.resident.helper - before.resident.helper).toBeLessThan(8 * MIB);
    await stopTshuttle(lab, tshuttle);
  });
});

/** Ends what sshd has started for its connections, not sshd. */
async function killSessions(lab: Lab): Promise<void> {
  for (const pid of await lab.bastion.pids()) {
    const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // `sshd-session: ` since OpenSSH 9.8.
    if (!/^sshd(?:-session)?: /.test(title) || title.includes('[listener]')) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
