import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { EXIT_CODES, EXIT_MEANINGS } from '../../../src/app/exit-code.ts';
import { reloadTunnel } from '../../../src/app/hosting/reload.ts';
import type { RunningTunnel } from '../../../src/app/keep-up/keep-up.ts';
import type { CommandSession } from '../../../src/cli/command/command-definition.ts';
import { completionsFor } from '../../../src/cli/commands/completion/completions.ts';
import { renderManPage } from '../../../src/cli/help/render-man.ts';
import { shortHelp } from '../../../src/cli/help/short-help.ts';
import { parseArguments } from '../../../src/cli/program/arguments.ts';
import { buildProgram } from '../../../src/cli/program/program.ts';
import { tunnelCommands } from '../../../src/cli/program/tunnel-commands.ts';
import type { Config } from '../../../src/config/config.ts';
import type { TextFile } from '../../../src/config/parse/files/text-file.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { loadProfileFile } from '../../../src/config/profiles/load-profiles.ts';
import { renderProblem } from '../../../src/core/problem.ts';
import { systemWords } from '../../../src/core/systems/system-words.ts';
import { OPTION_LINES, PROFILE_LINES, WRONG_OPTIONS, WRONG_PROFILE_LINES } from './option-lines.ts';

/** What is there for `parseConfig` to read. */
const FILES: Readonly<Record<string, string>> = {
  '/work/key': '',
  '/work/nets': '10.2.0.0/16',
  '/work/empty': '# nothing',
  '/work/login': 'me:hush',
  '-': '10.3.0.0/16',
};
const PROFILE_FILE = '/work/.config/tshuttle/config.yaml';

function surroundings(files = FILES) {
  const read = (path: string): TextFile | undefined =>
    files[path] === undefined ? undefined : { kind: 'text', text: files[path] };
  return {
    readTextFile: (path: string): TextFile => read(path) ?? { kind: 'unreadable', what: 'cannot be read' },
    readTrustedFile: (path: string) => read(path) ?? ({ kind: 'missing' } as const),
    whyUnreadable: (path: string) => (path in files ? undefined : 'there is no such file'),
    homeDirectory: '/work',
    configHome: undefined,
    workingDirectory: '/work',
  };
}

/** What a command line comes to, or what is wrong with it. */
async function parse(line: string): Promise<Config | readonly string[]> {
  const invocation = await parseArguments(line.split(' '), '1.2.3');
  if (invocation.kind === 'refused') return invocation.problems.map(renderProblem);
  if (invocation.kind !== 'tunnel') throw new Error(invocation.kind);
  const result = parseConfig(invocation.raw, surroundings());
  if (result.kind === 'problems')
    return [...result.problems.map(renderProblem), `(${result.blame} are to blame)`];
  return result.config;
}

async function warningsOf(line: string): Promise<readonly string[]> {
  const invocation = await parseArguments(line.split(' '), '1.2.3');
  if (invocation.kind !== 'tunnel') throw new Error(invocation.kind);
  const result = parseConfig(invocation.raw, surroundings());
  return result.kind === 'config' ? result.warnings.map(renderProblem) : [];
}

async function mustParse(line: string): Promise<Config> {
  const config = await parse(line);
  if (!('remote' in config)) throw new Error(config.join());
  return config;
}

function profileProblems(line: string): readonly string[] {
  const yaml = `profiles:\n  office:\n    remote: h\n    subnets: [10.0.0.0/8]\n    ${line}\n`;
  const { problems, warnings } = loadProfileFile(PROFILE_FILE, surroundings({ [PROFILE_FILE]: yaml }));
  return [...problems, ...warnings].map((one) => renderProblem(one).slice(PROFILE_FILE.length + 1));
}

/** Text that is the same whatever the order of keys. */
function inOrder(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) => {
      if (typeof inner === 'bigint') return inner.toString();
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
    },
    1,
  );
}

function changes(before: Config, after: Config): Partial<Config> {
  const entries = Object.entries(after).filter(
    ([key, value]) => inOrder(value) !== inOrder(before[key as keyof Config]),
  );
  return Object.fromEntries(entries);
}

/** Of a tunnel that has these options and whose profile has others now. */
async function reload(held: Config, wanted: Config): Promise<string> {
  const running: Pick<RunningTunnel, 'capture'> & { readonly tunnel: object } = {
    tunnel: { setDns: () => Promise.resolve(), setForwards: () => Promise.resolve() },
    capture: () => Promise.resolve([]),
  };
  const { report } = await reloadTunnel(running as unknown as RunningTunnel, held, wanted);
  return `at once: ${report.applied.join(', ')}; by a restart: ${report.needRestart.join(', ')}`;
}

function golden(name: string): string {
  return fileURLToPath(new URL(`golden/${name}`, import.meta.url));
}

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

test('--help of every command', async () => {
  const program = await buildProgram('1.2.3');
  const pages = allCommands(program).map((command) => {
    let text = '';
    command
      .configureOutput({ writeOut: (piece) => (text += piece), getOutHelpWidth: () => 100 })
      .outputHelp();
    return text;
  });
  await expect(pages.join(`${'='.repeat(100)}\n`)).toMatchFileSnapshot(golden('help.txt'));
});

test('the screen of -h', async () => {
  await expect(shortHelp(systemWords('linux'))).toMatchFileSnapshot(golden('short-help.txt'));
});

test('the manual page, but for its topics', async () => {
  const page = renderManPage(await buildProgram('1.2.3'), {
    version: '1.2.3',
    date: '2026-01-02',
    platform: 'linux',
    topics: [],
    exitCodes: EXIT_MEANINGS,
  });
  await expect(page).toMatchFileSnapshot(golden('tshuttle.1'));
});

test('exit codes', async () => {
  await expect(`${inOrder(EXIT_CODES)}\n`).toMatchFileSnapshot(golden('exit-codes.txt'));
});

test('the JSON Schema of profiles, and with it their keys', async () => {
  const invocation = await parseArguments(['config', 'schema'], '1.2.3');
  if (invocation.kind !== 'command') throw new Error(invocation.kind);
  const printed: string[] = [];
  const session: Pick<CommandSession, 'print'> = { print: (text) => void printed.push(text) };
  expect(await invocation.run(session as CommandSession)).toBe(0);
  await expect(`${inOrder(JSON.parse(printed.join('')))}\n`).toMatchFileSnapshot(
    golden('profile-schema.txt'),
  );
});

test('the words that a shell is offered', async () => {
  const program = await buildProgram('1.2.3');
  const values = {
    hosts: () => ['a-host'],
    profiles: () => ['a-profile'],
    topics: () => ['a-topic'],
    tunnelCommands: await tunnelCommands(),
  };
  const lines = allCommands(program).flatMap((command) => {
    const path = (one: Command): readonly string[] =>
      one.parent === null ? [] : [...path(one.parent), one.name()];
    const options = command.options.flatMap(({ long }) => (long == null ? [] : [[...path(command), long]]));
    return [path(command), [...path(command), '--'], ...options].map((words) => {
      const typed = words.at(-1) === '--' ? words : [...words, ''];
      const found = completionsFor(program, typed, values);
      const offered = found.kind === 'files' ? ['(files)'] : found.candidates.map(({ word }) => word);
      return `${words.join(' ')}: ${offered.join(' ')}`.trim();
    });
  });
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(golden('completions.txt'));
});

test('what each option comes to, and what a reload does with it', async () => {
  const bases = ['-r h 10.0.0.0/8', '-r h 10.0.0.0/8 --dns', '-r h --socks 1'];
  const texts = await Promise.all(
    OPTION_LINES.map(async (line) => {
      const before = await Promise.all(bases.map(mustParse));
      const after = await Promise.all(bases.map((base) => mustParse(`${base} ${line}`)));
      const reloads = await Promise.all(before.map((held, index) => reload(held, after[index]!)));
      const warnings = await warningsOf(`${bases[0]} ${line}`);
      return [`# ${line}`, inOrder(changes(before[0]!, after[0]!)), ...warnings, ...reloads].join('\n');
    }),
  );
  const whole = ['# nothing', inOrder(await mustParse(bases[0]!)), ...texts].join('\n');
  await expect(`${whole}\n`).toMatchFileSnapshot(golden('options.txt'));
});

test('what each key of a profile comes to', async () => {
  const configOf = (line: string): Config => {
    const yaml = `profiles:\n  office:\n    remote: h\n    subnets: [10.0.0.0/8]\n    ${line}\n`;
    const { profiles, problems } = loadProfileFile(
      PROFILE_FILE,
      surroundings({
        [PROFILE_FILE]: yaml,
        '/work/.config/tshuttle/key': '',
        '/work/.config/tshuttle/nets': '10.2.0.0/16',
        '/work/.config/tshuttle/login': 'me:hush',
      }),
    );
    if (profiles[0] === undefined) throw new Error(problems.map(renderProblem).join());
    return profiles[0].config;
  };
  const texts = PROFILE_LINES.map(
    (line) => `# ${line}\n${inOrder(changes(configOf('verbose: 0'), configOf(line)))}`,
  );
  await expect(`${texts.join('\n')}\n`).toMatchFileSnapshot(golden('profiles.txt'));
});

test('what is said of each bound of an option', async () => {
  const texts = await Promise.all(
    WRONG_OPTIONS.map(async (line) => {
      const result = await parse(line);
      const said = 'remote' in result ? await warningsOf(line) : result;
      return [`# ${line}`, ...said].join('\n');
    }),
  );
  await expect(`${texts.join('\n')}\n`).toMatchFileSnapshot(golden('wrong-options.txt'));
});

test('what is said of each bound of a key of a profile', async () => {
  const texts = WRONG_PROFILE_LINES.map((line) => [`# ${line}`, ...profileProblems(line)].join('\n'));
  await expect(`${texts.join('\n')}\n`).toMatchFileSnapshot(golden('wrong-profiles.txt'));
});
