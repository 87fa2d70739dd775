import { defineCommand } from '../../command/command-definition.ts';

/** `tshuttle login` */
export const loginCommand = defineCommand<{ readonly name: string | undefined }>({
  name: 'login',
  describe: (command, choose) => {
    command
      .summary('log in again, for a tunnel that waits for it')
      .description(
        'Has a tunnel connect to its bastion now, and asks here what has to be asked: a password, a one-time code, a\n' +
          'host key. Nothing of it is kept.',
      )
      .usage('NAME')
      .argument('[NAME]', 'a tunnel that tshuttle status shows')
      .action((name: string | undefined) => choose({ name }));
  },
  run: async ({ name }, { process, print, prepare, refuse }) => {
    if (name === undefined) {
      const { missingName } = await import('../../command/missing-name.ts');
      return await refuse('ERR_USAGE', await missingName('login', 'tunnel', process.environment));
    }
    const { RunningTunnels } = await import('../../../app/running-tunnels/running-tunnels.ts');
    const { surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const running = await RunningTunnels.find(surroundingsOf(process.environment));
    const { prompter, onStep } = (await prepare({ logFormat: 'auto', verbosity: 0 })).tunnelContext;
    try {
      const { client } = await running.mustBeNamed(name, 'login', process.environment);
      const { signal, requested } = process.stop;
      // The daemon is told by the end of the connection.
      signal.addEventListener('abort', () => running.close(), { once: true });
      try {
        onStep?.(`connecting ${name}`);
        await client.ask({ type: 'login', name }, prompter);
      } catch (error) {
        if (signal.aborted) return await requested;
        throw error;
      }
      onStep?.(undefined);
      print(`tshuttle: ${name} is connected\n`);
      return 0;
    } finally {
      onStep?.(undefined);
      running.close();
    }
  },
});
