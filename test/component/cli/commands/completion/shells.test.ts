import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  writeFileSync(join(home, 'my key'), '');
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

/** How each shell starts interactively, without the files of whoever runs the tests. */
const SHELLS = { bash: 'bash --norc --noprofile -i', zsh: 'zsh -f -i', fish: 'fish --no-config -i' } as const;
type Shell = keyof typeof SHELLS;

/** A shell on a terminal, which has sourced tshuttle's script; typed to as a person would, Tab and all. */
class InteractiveShell implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  #output = '';
  #count = 0;

  /** @param programs a folder that comes first on the PATH */
  constructor(shell: Shell, workingDirectory: string, programs = join(home, 'bin')) {
    const path = `${programs}${delimiter}${process.env['PATH']}`;
    this.#child = spawn('script', ['-qec', SHELLS[shell], '/dev/null'], {
      env: { ...environment, PATH: path, TERM: 'dumb', XDG_DATA_HOME: home },
      cwd: workingDirectory,
    });
    this.#child.on('error', () => {});
    this.#child.stdin.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (data: Buffer) => (this.#output += data.toString('utf8')));
    }
  }

  /** Runs a line. @returns what it printed, and what was echoed */
  async run(line: string): Promise<string> {
    this.#count += 1;
    const before = this.#output.length;
    // The line as it is typed differs from what it prints.
    const end = `done_${this.#count}_`;
    this.#child.stdin.write(`${line}; echo done""_${this.#count}_\r`);
    await expect.poll(() => this.#output.slice(before), { timeout: 15_000, interval: 10 }).toContain(end);
    return this.#output.slice(before);
  }

  /** Presses Tab behind these characters. @returns the words of the line as they stand then */
  async pressTab(line: string): Promise<readonly string[]> {
    const text = await this.run(`tshuttle ${line}\t`);
    return [...text.matchAll(/^\[(.*)\]\r?$/gm)].map(([, word]) => word ?? '');
  }

  /** Presses Tab behind these characters, and takes the line back. */
  async pressTabAndErase(line: string): Promise<void> {
    this.#child.stdin.write(`${line}\t\x15`);
    await this.run('true');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

/** Each would leave a file behind if anything evaluated it. */
const HOSTILE_WORDS = [
  '$(touch p1)',
  '`touch p2`',
  '"$(touch p3)"',
  "'; touch p4; '",
  '"; touch p5; "',
  ';touch$IFS""p6;',
  '& touch p7 &',
  '| touch p8 |',
  '|| touch p9 ||',
  '> p10',
  '>> p11',
  '2> p12',
  '&> p13',
  '<(touch p14)',
  '>(touch p15)',
  `\${x:=$(touch p16)}`,
  '$((x[$(touch p17)]))',
  '{a,$(touch p18)}',
  '\\$(touch p19)',
  "$'\\x24(touch p20)'",
  '(touch p21)',
  '"`touch p22`',
  '--method=$(touch p23)',
  '-r $(touch p24)@',
  '*',
  '[a-z]?*/../$(touch p25)',
  '~$(touch p26)',
  '~root/`touch p27`',
  '!!',
  '!touch$(touch p28)',
  '-$(touch p29)',
  '=(touch p50)',
  '\\;touch p51',
  '#$(touch p52)',
  '%$(touch p53)',
];

/** The same as the word that is being typed, where words are offered and where files are. */
const HOSTILE_ENDS = [
  '$(touch q1)',
  '`touch q2`',
  '"$(touch q3)',
  "'$(touch q4)",
  '"`touch q5`',
  '$(touch q6',
  '`touch q7',
  ';touch q8',
  '> q9',
  '~$(touch q10)',
  '\\$(touch q11)',
  '*$(touch q12)',
  '--me$(touch q13)',
  '--me`touch q14`',
  'help $(touch q15)',
  'up "$(touch q16)',
  'logs --$(touch q17)',
  '-r me@$(touch q18)',
  '--method=$(touch q19)',
  '-i $(touch q20)',
  '-i `touch q21`',
  '-i "$(touch q22)',
  '-i ~$(touch q23)',
  '-i *$(touch q24)',
  '-i $(touch q25)/x',
  '-i `touch q26`/x',
  '-i "$(touch q27)/x',
  `-i $\{x:=$(touch q28)}/x`,
  '-i ~/$(touch q29)/x',
];

/**
 * Has Ctrl-U take back several lines, too. Where Tab also expands, zsh evaluates an open quote by itself, with or without a script
 * of ours.
 */
const PREPARED: Readonly<Record<Shell, string>> = {
  bash: 'true',
  zsh: "bindkey '^I' complete-word '^U' kill-buffer",
  fish: String.raw`bind \cu 'commandline ""'`,
};

/** How each shell takes a newline into the line, rather than end it. */
const NEWLINE: Readonly<Record<Shell, string>> = { bash: '\x16\n', zsh: '\x16\n', fish: '\x1b\r' };

describe.each(Object.keys(SHELLS) as Shell[])('completion in %s', (shell) => {
  const sourced = (): string => `source ${home}/tshuttle.${shell}`;

  test.skipIf(lacks(shell))('completes, also when it was sourced twice', { timeout: 40_000 }, async () => {
    await using terminal = new InteractiveShell(shell, home);
    for (const text of [await terminal.run(sourced()), await terminal.run(sourced())]) {
      expect(text).not.toMatch(/readonly|error|not found|unknown/i);
    }
    const show =
      shell === 'fish'
        ? 'function tshuttle; if test "$argv[1]" = complete; command tshuttle $argv; else; printf "[%s]\\n" $argv; end; end'
        : 'tshuttle() { printf "[%s]\\n" "$@"; }';
    await terminal.run(show);
    for (const [line, expected] of [
      ['restar', 'restart'],
      ['--transpor', '--transport'],
      ['--transport=o', '--transport=openssh'],
      ['-r bas', 'bastion'],
      ['-r me@bas', 'me@bastion'],
      ['-r office.example:2', 'office.example:2222'],
      ['up intr', 'intranet'],
      ['help recip', 'recipes'],
      ['logs --fol', '--follow'],
      ['-i my\\ k', 'my key'],
    ] as const) {
      expect(await terminal.pressTab(line), line).toContain(expected);
    }
  });

  test.skipIf(lacks(shell))('evaluates no word', { timeout: 60_000 }, async () => {
    const folder = join(home, `hostile-${shell}`);
    const programs = join(home, `programs-${shell}`);
    for (const path of [folder, programs]) mkdirSync(path);
    // What is offered is hostile, too. It says each time that it was asked.
    const asked = join(programs, 'asked');
    const offers = ['--method', '--$(touch p30)', '--`touch p31`', '--;touch p32'];
    const words = `printf '%s\\t\\n' words ${offers.map((word) => `'${word}'`).join(' ')}`;
    const stub = `#!/bin/sh\necho asked >> ${asked}\ncase "$*" in *-i*) echo files ;; *) ${words} ;; esac\n`;
    writeFileSync(join(programs, 'tshuttle'), stub, { mode: 0o755 });
    await using terminal = new InteractiveShell(shell, folder, programs);
    await terminal.run(sourced());
    await terminal.run(PREPARED[shell]);
    for (const word of HOSTILE_WORDS) await terminal.pressTabAndErase(`tshuttle -x ${word} --me`);
    expect(readdirSync(folder)).toEqual([]);
    for (const end of HOSTILE_ENDS) await terminal.pressTabAndErase(`tshuttle ${end}`);
    expect(readdirSync(folder)).toEqual([]);
    for (const line of ['-x a%touch n1%--me', '-x "a%$(touch n2)%" --me', '-x a;%`touch n3` --me']) {
      await terminal.pressTabAndErase(`tshuttle ${line.replaceAll('%', NEWLINE[shell])}`);
    }
    expect(readdirSync(folder)).toEqual([]);
    expect(readFileSync(asked, 'utf8').length).toBeGreaterThan(40 * 'asked\n'.length);
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
    expect(text).toContain('tshuttle reload [NAME...] [options]');
    expect(text).toMatch(/77\s+root or the login was refused/);
  });
});
