import { keepCompiledCode } from './program/compiled-code.ts';
import { readVersion } from './version.ts';

// A reader that goes away is no failure of ours: `tshuttle man | head`. What must end then hears of it (process-context.ts).
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** Rejects where a file or a package is missing. */
export const ended: Promise<void> = runCommandLine();

async function runCommandLine(): Promise<void> {
  // Asked by scripts before anything else, and needs nothing of what follows, which costs three times as long as Node itself.
  if (process.argv.length === 3 && process.argv[2] === '--version') {
    process.stdout.write(`tshuttle ${readVersion()}\n`);
    return;
  }
  keepCompiledCode();
  const { runProcess } = await import('./program/run-process.ts');
  const { tshuttle } = await import('./program/tshuttle.ts');
  // What only a tunnel needs is loaded when one is opened: wrong input is answered sooner, and a password on the command
  // line is hidden sooner.
  await runProcess((context) =>
    tshuttle(context, {
      openTunnel: async (options, tunnelContext) => {
        // Before the bastion has said a word.
        (await import('../net/machine/loop-watchdog.ts')).watchLoop();
        return await (await import('../tunnel/open-tunnel.ts')).openTunnel(options, tunnelContext);
      },
      cleanUp: async (cleanupContext) =>
        (await import('../intercept/helper-interceptor.ts')).cleanupDeadInstances(cleanupContext),
    }),
  );
}
