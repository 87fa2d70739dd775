import { EXIT_CODES, exitCodeOf } from '../../app/exit-code.ts';
import type { ProcessContext } from '../../app/process-context.ts';
import type { RawOptions } from '../../config/options/table.ts';
import { type ArgumentSources, collectArgumentWords } from '../../config/parse/argument-words.ts';
import { readTextFile } from '../../config/parse/files/text-file.ts';
import { homeFolder } from '../../core/accounts.ts';
import { START_FOLDER } from '../../core/files/start-folder.ts';
import { type Problem, problemLines, renderProblem } from '../../core/problem.ts';
import { isDaemonChild } from '../../daemon/start/protocol.ts';
import type { CommandSession } from '../command/command-definition.ts';
import type { Parts } from '../command/parts.ts';
import { type ProblemCode, renderProblems } from '../command/report.ts';
import { progressLine } from '../rendering/progress-line.ts';
import { readVersion } from '../version.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import { type LookUpNames, parseArguments } from './arguments.ts';
import { buildProgram } from './program.ts';
import { bastionsOfOneSource, repeatedOptions } from './repeated-options.ts';
import { ignoredOptions, readSshuttleWords } from './sshuttle-words.ts';
import { commandIn, tunnelCommands, wordsBeforeTunnel } from './tunnel-commands.ts';
import { wantsJson } from './wants-json.ts';

/**
 * Does what the command line says. Never rejects: failures are reported, and their exit code is returned.
 *
 * What only some command lines need is loaded for those only: an answer should not wait for it.
 */
export async function tshuttle(context: ProcessContext, parts: Parts): Promise<number> {
  // Before anything else, and whatever comes: ps(1) shows the arguments, and one of them may be a password.
  process.title = 'tshuttle';
  const environmentWords = takeArguments(context.environment);
  try {
    if (isDaemonChild(context.environment)) {
      const { runDaemon } = await import('../running/run-tunnel.ts');
      return await runDaemon(context, parts);
    }
    return await runCommand(context, parts, environmentWords);
  } catch (error) {
    const { signal, requested } = context.stop;
    // What is interrupted fails with its interruption, which the user has asked for.
    if (signal.aborted && isInterruption(error, signal)) return await requested;
    context.reportFailure(error);
    return exitCodeOf(error);
  }
}

/** The variables that may hold arguments; the first that is there counts. sshuttle's works as it is. */
const ARGUMENT_VARIABLES = ['TSHUTTLE_ARGS', 'SSHUTTLE_ARGS'] as const;

/** Takes them out of the environment, for they may hold a password. */
function takeArguments(environment: ProcessContext['environment']): ArgumentSources['environment'] {
  const found = ARGUMENT_VARIABLES.flatMap((name) => {
    const text = environment[name];
    delete environment[name];
    return text === undefined ? [] : [{ name, text }];
  });
  return found[0];
}

function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

async function runCommand(
  context: ProcessContext,
  parts: Parts,
  environmentWords: ArgumentSources['environment'],
): Promise<number> {
  const leading = await wordsBeforeTunnel(context.arguments);
  const sources = {
    environment: leading === undefined ? undefined : environmentWords,
    arguments: context.arguments,
    leading: leading ?? 0,
  };
  const collected = collectArgumentWords(sources, readTextFile);
  const { problems } = collected;
  const read = (text: readonly string[]) =>
    leading === 0 ? readSshuttleWords(text) : { words: text, ignored: [] };
  const { words, ignored } = read(collected.words);
  const bySource = collected.sources.map((source) => read(source).words);
  const refuse = wantsJson(words) ? refuseAsJson : refuseAsText(commandOrGroupIn(words));
  if (problems.length > 0) return await refuse('ERR_CONFIG', problems);
  const session = openSession(context, parts, refuse, bySource);
  const invocation = await parseArguments(words, readVersion(), namesIn(context.environment));
  const repeated = invocation.kind === 'text' ? [] : repeatedOptions(bySource);
  if (repeated.length > 0) {
    const others = invocation.kind === 'refused' ? invocation.problems : [];
    return await refuse('ERR_USAGE', [...others, ...repeated]);
  }
  switch (invocation.kind) {
    case 'text':
      print(invocation.text);
      return 0;
    case 'refused':
      return await refuse('ERR_USAGE', invocation.problems);
    case 'command':
      return await invocation.run(session);
    case 'tunnel': {
      const parsed = await session.configOf(invocation.raw);
      if (typeof parsed === 'number') return parsed;
      const { planToSave } = await import('../running/save-when-up.ts');
      const saved = await planToSave(parsed.raw, session);
      if (typeof saved === 'number') return saved;
      const { note, config } = parsed;
      if (note !== undefined && (config.mode.kind === 'dry-run' || !config.quiet))
        print(`${config.mode.kind === 'dry-run' ? '#' : 'tshuttle:'} ${note}\n`);
      const { runTunnel } = await import('../running/run-tunnel.ts');
      return await runTunnel(config, [...ignoredOptions(ignored), ...parsed.warnings], session, saved);
    }
  }
}

/** The command whose help says how it is used, or the group of commands. */
function commandOrGroupIn(words: readonly string[]): string | undefined {
  const { known } = commandIn(words);
  if (known !== undefined) return known.name;
  const [group = ''] = words;
  return ALL_COMMANDS.some(({ name }) => name.startsWith(`${group} `)) ? group : undefined;
}

/** The profiles, and the pages of help: words may mean them that mean nothing as they are. */
function namesIn(environment: ProcessContext['environment']): LookUpNames {
  return async () => {
    const { profileNames } = await import('../../config/profiles/load-profiles.ts');
    const { profileSurroundingsOf } = await import('../../app/running-tunnels/profile-surroundings.ts');
    const { topicsOn } = await import('../help/topics.ts');
    const { errorTopics } = await import('../help/error-pages.ts');
    return {
      profiles: profileNames(profileSurroundingsOf(environment)),
      topics: [...topicsOn(), ...errorTopics()].map(({ name }) => name),
    };
  };
}

/** Says what is wrong; the exit code is returned. */
type Refuse = CommandSession['refuse'];

/** @param sources the words of the command line, of `TSHUTTLE_ARGS` and of each file */
function openSession(
  context: ProcessContext,
  parts: Parts,
  refuse: Refuse,
  sources: readonly (readonly string[])[],
): CommandSession {
  return {
    process: context,
    parts,
    print,
    refuse,
    describeProgram: () => buildProgram(readVersion()),
    tunnelCommands,
    prepare: async (config, warnings = []) => {
      // A process that logs and asks has secrets, or will have.
      (await import('../../net/machine/core-limit.ts')).forbidCoreFiles();
      const { prepare } = await import('../running/surroundings.ts');
      const prepared = prepare(config, context, parts);
      for (const warning of warnings) prepared.logger.warn(renderProblem(warning));
      return prepared;
    },
    configOf: async (given, surroundings) => {
      const own = { ...given, remote: given.remote && bastionsOfOneSource(sources, given.remote) };
      const through = await throughTarget(own, context.environment);
      if ('problems' in through) return await refuse('ERR_CONFIG', through.problems);
      const { raw } = through;
      const { parseConfig } = await import('../../config/parse-config.ts');
      const { whyUnreadable } = await import('../../config/parse/files/named-files.ts');
      const result = parseConfig(raw, {
        readTextFile,
        whyUnreadable,
        isShown: (text) => context.arguments.some((word) => word.includes(text)),
        homeDirectory: homeFolder(),
        workingDirectory: START_FOLDER,
        ...surroundings,
      });
      const { meantAsProfiles } = await import('../suggestions/meant-profile.ts');
      if (result.kind === 'problems') {
        const problems = [
          ...result.problems,
          ...(await meantAsProfiles(given, 'refused', context.environment)),
        ];
        return await refuse(result.blame === 'files' ? 'ERR_CONFIG' : 'ERR_USAGE', problems);
      }
      const { sudoWarnings } = await import('../../app/running-tunnels/user-folders.ts');
      const warnings = [
        ...sudoWarnings(context.environment),
        ...(await meantAsProfiles(given, 'taken', context.environment)),
        ...through.warnings,
        ...result.warnings,
      ];
      if (result.config.openstack === undefined || surroundings?.leavesCloud)
        return { ...result, raw: own, warnings };
      const { addOpenstack } = await import('../../app/openstack/openstack-capture.ts');
      const added = await addOpenstack(result.config, raw, context.environment);
      if (added.kind === 'problems') return await refuse('ERR_CONFIG', added.problems);
      return { config: added.config, raw: own, warnings: [...warnings, ...added.warnings], note: added.line };
    },
  };
}

/**
 * Where `-r` names a target of config.yaml, with what the Host block of that would say; what is wrong with a file that may have it, since
 * its name might be that of another host, too.
 */
async function throughTarget(
  raw: RawOptions,
  environment: ProcessContext['environment'],
): Promise<
  | { readonly raw: RawOptions; readonly warnings: readonly Problem[] }
  | { readonly problems: readonly Problem[] }
> {
  const { remote = [] } = raw;
  if (remote.length === 0) return { raw, warnings: [] };
  const { profileSurroundingsOf } = await import('../../app/running-tunnels/profile-surroundings.ts');
  const { mayHaveTarget, whyUnknownTarget } = await import('../../config/profiles/may-have-targets.ts');
  const surroundings = profileSurroundingsOf(environment);
  if (!remote.some((one) => mayHaveTarget(one, surroundings))) {
    // Several are never targets.
    const unknown = remote.length > 1 ? undefined : whyUnknownTarget(remote[0]!, surroundings);
    return { raw, warnings: unknown === undefined ? [] : [unknown] };
  }
  const { targets, problems } = (await import('../../config/profiles/load-gates.ts')).loadGates(surroundings);
  if (problems.length > 0) return { problems };
  const { withTarget } = await import('../../config/profiles/target-options.ts');
  return { raw: withTarget(raw, targets), warnings: [] };
}

/** @param command the one that the problems are about */
function refuseAsText(command: string | undefined): Refuse {
  return (code, problems) => {
    progressLine.erase();
    process.stderr.write(renderProblems(problems, code, command));
    return Promise.resolve(EXIT_CODES[code]);
  };
}

async function refuseAsJson(code: ProblemCode, problems: readonly Problem[]): Promise<number> {
  const { createLoggers } = await import('../../app/log/logging.ts');
  const { openStandardErrorSink } = await import('../../app/log/log-output.ts');
  const { logger } = createLoggers(0, openStandardErrorSink());
  for (const line of problemLines(problems)) logger.error(line, { code });
  return EXIT_CODES[code];
}

function print(text: string): void {
  progressLine.erase();
  process.stdout.write(text);
}
