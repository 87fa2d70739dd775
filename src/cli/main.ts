import { cleanupDeadInstances } from '../intercept/helper-interceptor.ts';
import { openTunnel } from '../tunnel/tunnel.ts';
import { runProcess } from './run-process.ts';
import { tshuttle } from './tshuttle.ts';

await runProcess((context) => tshuttle(context, { openTunnel, cleanUp: cleanupDeadInstances }));
