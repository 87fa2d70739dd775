import { runProcess } from './run-process.ts';
import { tshuttle } from './tshuttle.ts';

// What only a tunnel needs is loaded when one is opened: wrong input is answered sooner, and a password on the command
// line is hidden sooner.
await runProcess((context) =>
  tshuttle(context, {
    openTunnel: async (options, tunnelContext) =>
      (await import('../tunnel/tunnel.ts')).openTunnel(options, tunnelContext),
    cleanUp: async (cleanupContext) =>
      (await import('../intercept/helper-interceptor.ts')).cleanupDeadInstances(cleanupContext),
  }),
);
