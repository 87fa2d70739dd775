import type { Problem } from '../../core/problem.ts';
import { defineCommand } from '../command-definition.ts';
import { exitCodeOf } from '../exit-code.ts';
import { describeNames, type NamedTunnels } from './profile-names.ts';

interface DownOptions {
  readonly all?: true;
}

/** `tshuttle down` */
export const downCommand = defineCommand<NamedTunnels & DownOptions>({
  name: 'down',
  describe: (command, choose, refuse: (problem: Problem) => void) => {
    describeNames<DownOptions>(
      command,
      {
        summary: 'end tunnels',
        description:
          'Ends tunnels, and returns when their rules are gone. One that is not up is none the worse, but a name\n' +
          'that no tunnel and no profile has is an error.',
        argument: '[NAME...]',
      },
      (input) => {
        if (input.names.length > 0 || input.all === true) choose(input);
        else refuse({ where: 'down', what: 'needs the name of a tunnel, or --all' });
      },
    ).option('--all', 'every tunnel of this user, those in the foreground too');
  },
  run: async ({ names, all, json }, { process, print }) => {
    const { RunningTunnels } = await import('../running-tunnels.ts');
    const { surroundingsOf } = await import('../user-folders.ts');
    const running = await RunningTunnels.find(surroundingsOf(process.environment));
    try {
      const wanted = all === true ? running.all.map(({ report }) => report.name) : names;
      const results = await Promise.all(
        wanted.map(async (name) => {
          const found = running.named(name);
          if (found === undefined) {
            const { findAbsent } = await import('../unknown-tunnel.ts');
            const absent = findAbsent(name, running.names, process.environment);
            return absent.kind === 'unknown'
              ? { name, state: 'unknown', failure: absent.error }
              : { name, state: 'was-down', failure: undefined };
          }
          try {
            await found.client.ask({ type: 'down', name });
            return { name, state: 'down', failure: undefined };
          } catch (failure) {
            return { name, state: 'failed', failure };
          }
        }),
      );
      if (json) print(`${JSON.stringify(results.map(({ name, state }) => ({ name, state })))}\n`);
      else if (results.length === 0) print('no tunnel is up\n');
      else {
        for (const { name, state } of results.filter((result) => result.failure === undefined))
          print(`tshuttle: ${name} is down${state === 'down' ? '' : ' already'}\n`);
      }
      for (const { failure } of results) if (failure !== undefined) process.reportFailure(failure);
      const failed = results.find(({ failure }) => failure !== undefined);
      return failed === undefined ? 0 : exitCodeOf(failed.failure);
    } finally {
      running.close();
    }
  },
});
