import { resolve } from 'node:path';
import { renderProblem } from '../../../core/problem.ts';
import { defineCommand } from '../../command/command-definition.ts';

/** `tshuttle config check` */
export const configCheckCommand = defineCommand<{ readonly file: string | undefined }>({
  name: 'config check',
  describe: (command, choose) => {
    command
      .summary('say all that is wrong with the profiles')
      .description(
        'Says all that is wrong with the profiles, each with its line and column.\n' +
          'Without FILE: those of config.yaml, and of the project file that is the nearest up the tree.',
      )
      .usage('[FILE]')
      .argument('[FILE]', 'a file with profiles')
      .action((file: string | undefined) => choose({ file }));
  },
  run: async ({ file }, { process, print, refuse }) => {
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
    if (problems.length > 0) return refuse('ERR_CONFIG', problems);
    for (const warning of warnings) print(`${renderProblem(warning)}\n`);
    for (const { name, file: place, config } of profiles) {
      const { warnings: effects } = effectsOf(rulesOf(config, new Map()), {
        way: 'redirected',
        ipv6: config.ipv6,
      });
      for (const warning of effects) print(`${renderProblem(warning)}\n`);
      print(`${name}: right, in ${place}\n`);
    }
    if (profiles.length === 0) print('there are no profiles\n');
    return 0;
  },
});
