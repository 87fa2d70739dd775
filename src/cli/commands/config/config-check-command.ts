import { resolve } from 'node:path';
import { renderProblem } from '../../../core/problem.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';

/** `tshuttle config check` */
export const configCheckCommand = defineCommand<{
  readonly file: string | undefined;
  readonly asJson: boolean;
}>({
  name: 'config check',
  describe: (command, choose) => {
    command
      .summary('say all that is wrong with the profiles')
      .description(
        'Says all that is wrong with the profiles, each with its line and column.\n' +
          'Without FILE: those of config.yaml, and of the project file that is the nearest up the tree.',
      )
      .usage('[FILE] [--json]')
      .argument('[FILE]', 'a file with profiles')
      .optionsGroup('Options:')
      .addOption(jsonOption())
      .action((file: string | undefined) => choose({ file, asJson: isJsonAsked(command) }));
  },
  run: async ({ file, asJson }, { process, print, refuse }) => {
    const { printFitted } = await import('../../rendering/fit-lines.ts');
    const { EXIT_CODES } = await import('../../../app/exit-code.ts');
    const { loadProfileFile, loadProfiles } = await import('../../../config/profiles/load-profiles.ts');
    const { rulesOf } = await import('../../../config/resolve-subnets.ts');
    const { effectsOf } = await import('../../../config/subnet-effects.ts');
    const { profileSurroundingsOf } = await import('../../../app/running-tunnels/profile-surroundings.ts');
    const surroundings = profileSurroundingsOf(process.environment);
    const loaded =
      file === undefined
        ? loadProfiles('all', surroundings)
        : loadProfileFile(resolve(surroundings.workingDirectory, file), surroundings);
    const { profiles, problems, warnings } = loaded;
    const effects = profiles.flatMap(
      ({ config }) =>
        effectsOf(rulesOf(config, new Map()), { way: 'redirected', ipv6: config.ipv6 }).warnings,
    );
    if (asJson) {
      const right =
        problems.length > 0 ? [] : profiles.map(({ name, file: place }) => ({ name, file: place }));
      print(`${JSON.stringify({ right, problems, warnings: [...warnings, ...effects] })}\n`);
      return problems.length > 0 ? EXIT_CODES.ERR_CONFIG : 0;
    }
    if (problems.length > 0) return refuse('ERR_CONFIG', problems);
    const tell = printFitted(print);
    for (const warning of [...warnings, ...effects]) tell(`${renderProblem(warning)}\n`);
    for (const { name, file: place } of profiles) tell(`${name}: right, in ${place}\n`);
    if (profiles.length === 0) tell('there are no profiles\n');
    return 0;
  },
});
