import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ControlServer } from '../../../../../src/daemon/control/server.ts';
import { recordingLogger } from '../../../../support/in-process/recording-logger.ts';
import { runInProcess } from '../../../../support/in-process/run-command.ts';
import { reportOf, UP } from '../../../../support/in-process/tunnel-reports.ts';
import { FLOW, fakeTarget } from '../../../daemon/fake-target.ts';
import { Home } from '../../entry.ts';
import { ToldTunnel } from '../told-tunnel.ts';

test('top off a terminal is a table of all flows, with rates and whose they are; without a tunnel it says so', async () => {
  await using home = await Home.make();
  const tunnel = new ToldTunnel(reportOf('office', UP, '10.0.0.0/8'));
  tunnel.open = [
    FLOW,
    { ...FLOW, destination: `${'very-'.repeat(30)}long.example:1`, originator: '127.0.0.1:1' },
  ];
  const server = await ControlServer.open(
    join(home.path, 'run/tshuttle'),
    fakeTarget(tunnel),
    recordingLogger(),
  );
  try {
    const { code, printed } = await runInProcess(['top'], { ...home.environment(), LANG: 'C' });
    expect(code).toBe(0);
    const lines = printed.split('\n');
    expect(lines[0]).toMatch(
      /^\* office {2}up .*, me@gate\.example \(203\.0\.113\.7:22\), round trip 12\.4 ms$/,
    );
    expect(lines[2]).toBe('now: 0 B/s up, 0 B/s down');
    expect(lines[3]).toMatch(/^DESTINATION .*STATE +OPENING +AGE +UP +DOWN +UP\/s +DOWN\/s FROM$/);
    expect(printed).toContain(`\n${tunnel.open[1]!.destination} `);
    if (process.platform === 'linux') {
      expect(lines[3]).toMatch(/ PROGRAM +PID /);
      // Of another machine; and of this one, where there is no such socket.
      expect(printed).toMatch(/^10\.0\.0\.8:5432 +192\.0\.2\.1 +open /m);
      expect(printed).toMatch(/long\.example:1 +- +open /);
    }
  } finally {
    await server.close();
  }
  await expect(runInProcess(['top', '--once'], home.environment())).rejects.toMatchObject({
    code: 'ERR_USAGE',
    message: 'no tunnel is up',
  });
});
