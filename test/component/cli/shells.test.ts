import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const PROGRAM = resolve('bin/tshuttle');

/** A home with a `tshuttle` on the PATH, hosts that ssh knows, and the completion scripts. */
let home: string;
let environment: NodeJS.ProcessEnv;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tshuttle-shells-'));
  for (const folder of ['bin', '.ssh', '.config/tshuttle'])
    mkdirSync(join(home, folder), { recursive: true });
  const wrapper = join(home, 'bin', 'tshuttle');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`);
  chmodSync(wrapper, 0o755);
  writeFileSync(join(home, '.ssh', 'config'), 'Host bastion gate-*\n');
  writeFileSync(
    join(home, '.ssh', 'known_hosts'),
    '[office.example]:2222 ssh-ed25519 AAAA\n|1|a|b ssh-rsa AAAA\n',
  );
  const profiles = 'profiles: {intranet: {remote: bastion, subnets: [10.0.0.0/8]}}';
  writeFileSync(join(home, '.config', 'tshuttle', 'config.yaml'), profiles, { mode: 0o600 });
  environment = {
    ...process.env,
    XDG_CONFIG_HOME: '',
    HOME: home,
    PATH: `${join(home, 'bin')}${delimiter}${process.env['PATH']}`,
  };
  for (const shell of ['bash', 'zsh', 'fish']) {
    const script = execFileSync(process.execPath, [PROGRAM, 'completion', shell], { env: environment });
    writeFileSync(join(home, `tshuttle.${shell}`), script);
  }
});

afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

const REQUIRED = process.env['TSHUTTLE_LAB'] === 'require';
const lacks = (tool: string): boolean => !REQUIRED && spawnSync(tool, ['--version']).error !== undefined;

describe('completion', () => {
  test.skipIf(lacks('bash')).each<[string, string]>([
    ['tshuttle clean', 'cleanup'],
    ['tshuttle --metho', '--method'],
    ['tshuttle -r bas', 'bastion'],
    ['tshuttle -r offi', 'office.example:2222'],
    ['tshuttle up intr', 'intranet'],
  ])('bash: %s', (line, expected) => {
    const words = line.split(' ');
    const script = [
      'source /usr/share/bash-completion/bash_completion',
      `source ${home}/tshuttle.bash`,
      `COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${words.length - 1} COMP_LINE='${line}' COMP_POINT=${line.length}`,
      '__tshuttle_complete 2>/dev/null',
      'declare -p COMPREPLY',
    ].join('\n');
    const run = spawnSync('bash', ['-c', script], { env: environment, encoding: 'utf8' });
    expect(run.stdout, run.stderr).toContain(expected);
  });

  test.skipIf(lacks('zsh'))('zsh, as somebody who presses Tab', () => {
    // A shell in a pseudo-terminal of its own (zshmodules(1), zsh/zpty).
    const script = `
      zmodload zsh/zpty
      zpty shell 'zsh -f -i'
      zpty -w shell 'autoload -Uz compinit; compinit -u -d ${home}/zcompdump; source ${home}/tshuttle.zsh; print rea""dy'
      zpty -r -m shell out '*ready*'
      zpty -w -n shell $'tshuttle clean\\t'
      zpty -r -m shell out '*cleanup*'
      zpty -w -n shell $'\\C-utshuttle -r offi\\t'
      zpty -r -m shell out '*office.example*'
      print done
      zpty -d shell`;
    const run = spawnSync('zsh', ['-f', '-c', script], {
      env: environment,
      encoding: 'utf8',
      timeout: 18_000,
    });
    expect(run.stdout, run.stderr).toContain('done');
  });

  test.skipIf(lacks('fish'))('fish', () => {
    const script = `source ${home}/tshuttle.fish; complete -C 'tshuttle clean'; complete -C 'tshuttle -r bas'`;
    const run = spawnSync('fish', ['--no-config', '-c', script], { env: environment, encoding: 'utf8' });
    expect(run.stdout, run.stderr).toMatch(/^cleanup\t.*\nbastion/m);
  });
});

describe('the manual page', () => {
  const page = (): string => execFileSync(process.execPath, [PROGRAM, 'man'], { encoding: 'utf8' });

  test.skipIf(lacks('mandoc'))('mandoc finds nothing to warn of, and shows it', () => {
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: page(), encoding: 'utf8' });
    expect(`${lint.stdout}${lint.stderr}`).toBe('');
    const shown = spawnSync('mandoc', ['-T', 'ascii', '-O', 'width=100'], {
      input: page(),
      encoding: 'utf8',
    });
    // Bold is a letter, a backspace and the letter again.
    const text = shown.stdout.replaceAll(new RegExp(`.${String.fromCharCode(8)}`, 'g'), '');
    expect(text).toContain('-r, --remote [USER@]HOST[:PORT]');
    expect(text).toContain('tshuttle cleanup [-v] [--log-format FORMAT]');
    expect(text).toMatch(/77\s+sudo or the bastion refused/);
  });
});
