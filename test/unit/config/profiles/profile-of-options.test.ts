import { expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/program/arguments.ts';
import type { RawOptions } from '../../../../src/config/options/table.ts';
import { absolutePaths } from '../../../../src/config/parse/files/named-files.ts';
import { splitShellWords } from '../../../../src/config/parse/shell-words.ts';
import { type ConfigSurroundings, parseConfig } from '../../../../src/config/parse-config.ts';
import { configOfProfile } from '../../../../src/config/profiles/profile.ts';
import { parseProfileDocument } from '../../../../src/config/profiles/profile-document.ts';
import { profileOfOptions } from '../../../../src/config/profiles/profile-of-options.ts';
import { renderProblem } from '../../../../src/core/problem.ts';
import { OPTION_LINES } from '../../cli/option-lines.ts';

/** Whose command line it is: in /work. */
function surroundingsIn(workingDirectory: string): ConfigSurroundings {
  return {
    readTextFile: (path) =>
      path === '/work/login' ? { kind: 'text', text: 'me:hush' } : { kind: 'text', text: '10.2.0.0/16' },
    whyUnreadable: () => undefined,
    homeDirectory: '/home/me',
    workingDirectory,
  };
}

async function rawOf(line: string): Promise<RawOptions> {
  const split = splitShellWords(line);
  const invocation = await parseArguments(split.kind === 'words' ? split.words : [], '1.2.3');
  if (invocation.kind !== 'tunnel') throw new Error(`${line}: ${invocation.kind}`);
  return invocation.raw;
}

async function profileOf(line: string) {
  return profileOfOptions(await rawOf(line), absolutePaths(surroundingsIn('/work')));
}

/** But for where each thing was written, and how the process runs. */
function essence(config: object): unknown {
  const text = JSON.stringify({ ...config, mode: undefined }, (key, value: unknown) => {
    if (key === 'where') return undefined;
    return typeof value === 'bigint' ? value.toString() : value;
  });
  return JSON.parse(text) as unknown;
}

const SAVED = [
  ...OPTION_LINES.filter((line) => !/ -(?: |$)|=-$|--pidfile|--syslog|u:p%40|^-v -vv$/.test(line)),
  "-e 'ssh -i key -o IdentityFile=x' -s nets -X ../nets",
  '-L ./s:db:1 -L run/s:db:2',
  '--control-path c -o UserKnownHostsFile=known',
];

test.each(SAVED)('as a profile it means the same, in another folder too: %s', async (line) => {
  const raw = await rawOf(`-r h 10.0.0.0/8 ${line}`);
  const made = await profileOf(`-r h 10.0.0.0/8 ${line}`);
  if (made.kind === 'problems') throw new Error(made.problems.map(renderProblem).join());
  // Through the text of a file, as it is read again.
  const document = parseProfileDocument('f', JSON.stringify({ profiles: { office: made.values } }));
  if (document.kind === 'problems') throw new Error(document.problems.map(renderProblem).join());
  const read = configOfProfile(document.profiles.get('office')!, 'user', () => 'f:1:1', {
    ...surroundingsIn('/elsewhere'),
    targets: new Map(),
  });
  const typed = parseConfig({ ...raw, dryRun: false }, surroundingsIn('/work'));
  if (read.kind === 'problems' || typed.kind === 'problems')
    throw new Error(
      [read, typed]
        .flatMap((one) => ('problems' in one ? one.problems : []))
        .map(renderProblem)
        .join(),
    );
  expect(essence(read.config)).toEqual(essence(typed.config));
});

test('it has what was given, and nothing else', async () => {
  expect(await profileOf('-D -v -r me@h 10.0.0.0/8 --save office')).toEqual({
    kind: 'profile',
    values: { remote: 'me@h', subnets: ['10.0.0.0/8'], verbose: 1 },
  });
});

test.each([
  ['-r me:hush@h 0/0', '-r me:***@h: has a password, which does not belong in a file'],
  ['-r h 0/0 --upstream-proxy socks5://u:hush@p:1', 'has a password, which does not belong in a file'],
  ['-r h -s -', '-s -: is standard input, which a profile cannot read'],
  ['-r h 0/0 -D --pidfile p', '--pidfile: does not belong in a profile'],
])('%s cannot be one', async (line, said) => {
  const made = await profileOf(line);
  const problems = made.kind === 'problems' ? made.problems.map(renderProblem) : [];
  expect(problems).toEqual([expect.stringContaining(said)]);
  expect(problems.join()).not.toContain('hush');
});
