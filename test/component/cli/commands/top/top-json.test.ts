import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Stop } from '../../../../../src/app/stop.ts';
import { printDocuments } from '../../../../../src/cli/commands/top/document/print-documents.ts';
import type { TopDocument } from '../../../../../src/cli/commands/top/document/top-document.ts';
import { TunnelLooks } from '../../../../../src/cli/commands/top/document/tunnel-looks.ts';
import { ControlServer } from '../../../../../src/daemon/control/server.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { runInProcess } from '../../../../support/in-process/run-command.ts';
import { reportOf, UP } from '../../../../support/in-process/tunnel-reports.ts';
import { FLOW, fakeTarget } from '../../../daemon/fake-target.ts';
import { Home } from '../../entry.ts';
import { ToldTunnel } from '../told-tunnel.ts';

describe('top --json', () => {
  let home: Home;
  let tunnel: ToldTunnel;
  let server: ControlServer;
  const open = async () => {
    server = await ControlServer.open(join(home.path, 'run/tshuttle'), fakeTarget(tunnel), recordingLogger());
  };

  beforeEach(async () => {
    home = await Home.make();
    tunnel = new ToldTunnel(reportOf('office', UP, '10.0.0.0/8'));
    tunnel.open = [FLOW];
    await open();
  });
  afterEach(async () => {
    await server.close();
    await home[Symbol.asyncDispose]();
  });

  test('is one document, with the exit code of status', async () => {
    const { code, printed } = await runInProcess(['top', '--json'], home.environment());
    expect(code).toBe(0);
    expect(printed.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(printed)).toMatchObject({
      health: 'up',
      tunnels: [{ name: 'office', word: 'up', pid: process.pid, downBytesPerSec: 0 }],
      flows: [{ tunnel: 'office', ...FLOW, downBytesPerSec: 0 }],
      totals: { tunnels: 1, bytesDown: UP.bytesDown },
      down: [],
    });
    await server.close();
    const none = await runInProcess(['top', '--json'], home.environment());
    expect(none.code).toBe(4);
    expect(JSON.parse(none.printed)).toMatchObject({ health: 'down', tunnels: [], flows: [] });
    await expect(runInProcess(['top', 'nosuch', '--json'], home.environment())).rejects.toMatchObject({
      code: 'ERR_USAGE',
    });
  });

  test.each([
    [['--watch'], /^--watch: goes with --json/],
    [['--json', '--watch', '--once'], /^--watch: does not go with --once/],
  ])('%j is refused', async (words, why) => {
    const { code, refused } = await runInProcess(['top', ...words], home.environment());
    expect(code).toBe(64);
    expect(refused[0]).toMatch(why);
  });

  test('--watch goes on: rates as bytes flow, through the end of a tunnel and its return', async () => {
    const looks = new TunnelLooks(['office'], home.environment());
    const stop = new Stop();
    const seen: TopDocument[] = [];
    const print = (line: string): void => {
      seen.push(JSON.parse(line) as TopDocument);
      if (seen.length === 1) void server.close();
      if (seen.length === 2) void open();
      if (seen.length === 3) stop.request(130);
    };
    const look = async () => {
      const document = await looks.look();
      const [{ bytesDown }, before] = [tunnel.open[0]!, tunnel.told.status!];
      tunnel.open = [{ ...FLOW, bytesDown: bytesDown + 1_000_000 }];
      const status = { ...before, bytesDown: before.bytesDown + 2_000_000 };
      tunnel.told = { ...tunnel.told, status };
      return document;
    };
    expect(await printDocuments('until stopped', { looks: { look }, print, stop })).toBe(130);
    const [first, second, third] = seen;
    // Exactly a second passes only on an idle machine.
    const { downBytesPerSec = 0 } = first?.tunnels[0] ?? {};
    expect(downBytesPerSec).toBeGreaterThan(100_000);
    expect(first?.flows[0]?.downBytesPerSec).toBeCloseTo(downBytesPerSec / 2, 0);
    expect(second).toMatchObject({ tunnels: [], flows: [], down: ['office'], health: 'down' });
    expect(third).toMatchObject({
      tunnels: [{ name: 'office', health: 'up', downBytesPerSec: 0 }],
      down: [],
    });
  });
});
