// Stands for tshuttle's main process: holds rules through a helper of the built product until a signal ends it.
import { startHelper } from '../../../dist/intercept/helper/client.js';
import { findHelperCommandFacts, helperCommand } from '../../../dist/intercept/helper/command.js';

const { candidate, plan } = JSON.parse(process.argv[2]);
const log = (message) => console.error(message);
const logger = { debug: log, info: log, warn: log, error: log };

const client = await startHelper({ command: helperCommand(findHelperCommandFacts()), logger });
await client.call({ type: 'use', candidate });
await client.call({ type: 'apply', plan });
console.log(`holding ${client.pid}`);
client.lost.then((error) => {
  console.log(`lost ${error.code}`);
  process.exit(1);
});
process.on('SIGTERM', () => client.close().then(() => process.exit(0)));
