import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADDRESSES, createLab } from '../../support/lab/lab.ts';
import { skipLab } from '../../support/lab/requirements.ts';
import {
  expectNothingLeft,
  runTshuttle,
  startTshuttle,
  stopTshuttle,
} from '../../support/tshuttle/tshuttle.ts';

/*
 *  client: tshuttle ──ssh── bastion ── destination 10.77.0.2
 *          tshuttle ──ssh── bastion ── destination 10.78.0.2
 */

const near = { do: 'whoami', host: ADDRESSES.destination4, port: 7000, timeoutMs: 1_000 } as const;
const far = { do: 'whoami', host: ADDRESSES.farDestination4, port: 7000, timeoutMs: 1_000 } as const;

describe.skipIf(skipLab)('two instances', () => {
  it.each(['nft', 'iptables'])('with different subnets live side by side (%s)', async (method) => {
    await using lab = await createLab();
    const one = await startTshuttle(lab, ['--method', method, '10.77.0.0/24']);
    const two = await startTshuttle(lab, ['--method', method, '10.78.0.0/24']);
    expect(await lab.application(near)).toMatchObject({ port: 7000 });
    expect(await lab.application(far)).toMatchObject({ port: 7000 });

    one.kill('SIGTERM');
    expect(await one.exited).toMatchObject({ code: 0 });
    expect((await lab.application(near)).error).toMatch(/TIMEOUT|UNREACH/);
    expect(await lab.application(far)).toMatchObject({ port: 7000 });
    await stopTshuttle(lab, two);
  });
});

describe.skipIf(skipLab)('many subnets', () => {
  it('20,000 of a file are captured, the last as well as the first', async () => {
    await using lab = await createLab();
    const file = join(lab.directory, 'subnets');
    // Every second /32, so that no two of them can become one interval.
    const lines = Array.from(
      { length: 20_000 - 2 },
      (_, index) => `172.${16 + (index >> 15)}.${(index >> 7) & 255}.${(index & 127) * 2}`,
    );
    await writeFile(file, `${[ADDRESSES.destination4, ...lines, ADDRESSES.farDestination4].join('\n')}\n`);
    const tshuttle = await startTshuttle(lab, ['-s', file]);
    expect(await lab.application(near)).toMatchObject({ port: 7000 });
    expect(await lab.application(far)).toMatchObject({ port: 7000 });
    const between = await lab.application({ ...near, host: ADDRESSES.otherDestination4 });
    expect(between.error).toMatch(/TIMEOUT|UNREACH/);
    await stopTshuttle(lab, tshuttle);
  });
});

describe.skipIf(skipLab)('--dry-run', () => {
  it.each(['nft', 'iptables'])(
    'prints the rules that %s would install, installs none and connects nowhere',
    async (method) => {
      await using lab = await createLab();
      await lab.sshd.stop();
      const result = await runTshuttle(lab, [
        '--dry-run',
        '--method',
        method,
        '10.77.0.0/24:8000-8005',
        '-x',
        '10.77.0.3',
      ]);
      expect(result, result.stderr).toMatchObject({ code: 0 });
      expect(result.stdout).toContain('10.77.0.');
      expect(result.stdout).toMatch(/8000[-:]8005/);
      await expectNothingLeft(lab);
    },
  );
});
