import type { Command } from 'commander';
import type { RawOptions } from '../../../config/options/table.ts';
import { parseHostPort } from '../../../net/address/host-port.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { rawOptions } from '../../command/tunnel-options.ts';
import { type RunOptions, whatCannotBeHad } from './run-options.ts';

/** Arguments of `tshuttle run`. */
interface RunInput extends RunOptions {
  readonly raw: RawOptions;
}

/** `tshuttle run` */
export const runCommand = defineCommand<RunInput>({
  name: 'run',
  wordsBeforeTunnel: 1,
  describe: (command, choose, refuse) => {
    command
      .summary(TEXTS.run)
      .description(TEXTS.runDescription)
      .usage('(NAME | -r [USER@]HOST [options] SUBNET...) -- COMMAND...')
      .argument('[SUBNET...]', TEXTS.runSubnet)
      .optionsGroup('Options:')
      .option('--rootless', TEXTS.rootless)
      .option('--isolated', TEXTS.isolated)
      .option('--only', TEXTS.only)
      .option('--probe <HOST:PORT>', TEXTS.probe)
      .action(
        (words: string[], options: { rootless?: true; isolated?: true; only?: true; probe?: string }) => {
          const [subnets, [file, ...others]] = splitAtDashes(words, rawWordsOf(command));
          const probe = options.probe === undefined ? undefined : parseHostPort(options.probe);
          if (file === undefined) {
            refuse({
              where: 'run',
              what: 'needs a command behind --, as in tshuttle run ... -- terraform apply',
            });
          } else if (options.probe !== undefined && probe === undefined) {
            refuse({ where: `--probe ${options.probe}`, what: 'is not HOST:PORT, as in api.internal:443' });
          } else {
            const raw = rawOptions(subnets, command);
            const { rootless = false, isolated = false, only = false } = options;
            choose({ raw, command: [file, ...others], rootless, isolated, only, probe });
          }
        },
      );
  },
  run: async ({ raw, ...input }, session) => {
    const [name, ...others] = raw.subnets;
    if (raw.remote === undefined && name !== undefined && others.length === 0) {
      const { runNamed } = await import('./run-named.ts');
      return await runNamed(name, input, raw, session);
    }
    const parsed = await session.configOf(raw);
    if (typeof parsed === 'number') return parsed;
    const { config } = parsed;
    if (config.mode.kind !== 'foreground') {
      const where = config.mode.kind === 'daemon' ? '-D' : '--dry-run';
      return await session.refuse('ERR_USAGE', [{ where, what: 'is not for run' }]);
    }
    const problems = whatCannotBeHad(input, config);
    if (problems.length > 0) return await session.refuse('ERR_USAGE', problems);
    const { run } = await import('./run.ts');
    return await run(input, parsed, session);
  },
});

/** The words that the program was given: commander has them, its typings have not. */
function rawWordsOf(command: Command): readonly string[] {
  const raw: unknown = command.parent === null ? undefined : Reflect.get(command.parent, 'rawArgs');
  return Array.isArray(raw) ? raw : [];
}

/** Commander takes `--` away: how many words stand behind it tells which they are. */
function splitAtDashes(
  words: readonly string[],
  rawWords: readonly string[],
): readonly [readonly string[], readonly string[]] {
  const dashes = rawWords.indexOf('--');
  const behind = dashes < 0 ? 0 : rawWords.length - dashes - 1;
  return [words.slice(0, words.length - behind), words.slice(words.length - behind)];
}
