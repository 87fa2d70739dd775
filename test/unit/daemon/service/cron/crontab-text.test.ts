import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  hasRebootLine,
  rebootLine,
  withoutRebootLine,
  withRebootLine,
} from '../../../../../src/daemon/service/cron/crontab-text.ts';

const SCRIPT = '/home/alice/.config/tshuttle/start-at-boot';

/** All that a crontab may be made of, in any order: a small generator with a seed, so that a failure can be seen again. */
function crontabs(count: number): readonly string[] {
  const parts = [
    '# a comment\n',
    'SHELL=/bin/fish\n',
    '@reboot /usr/bin/true\n',
    '0 4 * * * backup --quiet # nightly\n',
    '\n',
    '\r\n',
    ' \t\n',
    'MAILTO=""\n',
    '5 5 * * * echo 50\\% # Written by tshuttle\n',
    '@reboot a line without an end',
    '\xc3\xa4\xff\x00\n',
  ];
  let seed = 27;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: next(9) }, () => parts[next(parts.length)]).join(''),
  );
}

describe('the line in a crontab', () => {
  test('goes without a trace, whatever else is there, however often it was put there', () => {
    for (const crontab of ['', ...crontabs(500)]) {
      const once = withRebootLine(crontab, SCRIPT);
      expect(hasRebootLine(once)).toBe(true);
      expect(withRebootLine(once, SCRIPT)).toBe(once);
      expect(withRebootLine(withRebootLine(crontab, '/elsewhere'), SCRIPT)).toBe(once);
      expect(withoutRebootLine(once)).toBe(crontab);
      expect(withoutRebootLine(crontab)).toBe(crontab);
      expect(hasRebootLine(crontab)).toBe(false);
    }
  });

  test('stands before what a crontab sets, and is one that cron reads', () => {
    expect(withRebootLine('SHELL=/bin/fish\n', SCRIPT)).toBe(
      `@reboot /bin/sh ${SCRIPT} # Written by tshuttle service install\nSHELL=/bin/fish\n`,
    );
  });

  test('is found and removed where somebody has moved it, indented it or made a comment of it', () => {
    const line = rebootLine(SCRIPT);
    expect(hasRebootLine(`a\n  ${line}  \n`)).toBe(true);
    expect(hasRebootLine(`#${line}\n`)).toBe(false);
    expect(withoutRebootLine(`a\n#${line}\nb\n${line}`)).toBe('a\nb\n');
  });

  test.each(["/home/o'hara/x", '/srv/50% off/x y', '/home/żółw/x', '/a"$(reboot)`;#'])(
    'names the script %s, whatever it is called',
    (path) => {
      // As cron does: a per cent sign with a backslash before it is one, and one without ends the line.
      const command = Buffer.from(rebootLine(path), 'latin1')
        .toString('utf8')
        .replace('@reboot /bin/sh ', 'printf %s ');
      expect(command.slice('printf %s '.length)).not.toMatch(/(?<!\\)%/);
      const asCronRuns = command.replaceAll('\\%', '%');
      expect(spawnSync('/bin/sh', ['-c', asCronRuns], { encoding: 'utf8' }).stdout).toBe(path);
    },
  );
});
