import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkClock } from '../../../../../src/cli/commands/doctor/machine-checks.ts';
import { writeProgram } from '../../../../support/process/write-program.ts';

let programs: string;

beforeEach(async () => {
  programs = await mkdtemp(join(tmpdir(), 'tshuttle-clock-'));
  vi.stubEnv('PATH', `${programs}:/usr/bin:/bin`);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(programs, { recursive: true });
});

/** systemd's program, on a machine whose clock is as it says. */
function putTimedatectl(body: string): void {
  const path = join(programs, 'timedatectl');
  writeProgram(path, `#!/bin/sh\n[ "$*" = 'show --property=NTPSynchronized --value' ] || exit 64\n${body}\n`);
}

test.each([
  ['echo yes', { status: 'ok', what: expect.stringContaining('is synchronised') }],
  [
    'echo no',
    {
      status: 'note',
      what: expect.stringContaining('one-time codes may be refused for that'),
      remedy: 'timedatectl set-ntp true',
    },
  ],
  [
    'echo "System has not been booted with systemd" >&2; exit 1',
    {
      status: 'note',
      what: expect.stringContaining('nothing here can say'),
      remedy: expect.stringMatching(/^compare it .* set it: /),
    },
  ],
])('a clock of which timedatectl says: %s', async (body, finding) => {
  putTimedatectl(body);
  expect(await checkClock()).toMatchObject({ check: 'clock', ...finding });
});
