// Stands for tshuttle's main process: holds rules through a helper of the built product until a signal ends it.
import { resolve } from 'node:path';
import { startHelper } from '../../../src/intercept/client/client.ts';
import { findHelperCommandFacts, helperCommand } from '../../../src/intercept/client/command.ts';

// `behind`: words that run the helper's command on other terms.
// `isBusy`: asks for so much, one after the other, that the helper has something to do all the time.
const { candidate, plan, behind = [], isBusy = false } = JSON.parse(process.argv[2]);
const log = (message) => console.error(message);
const logger = { debug: log, info: log, warn: log, error: log };

// The helper's process is started in the root folder.
const words = behind.map((word) => (word.startsWith('test/') ? resolve(word) : word));
const command = [...words, ...helperCommand(findHelperCommandFacts())];
const client = await startHelper({ command, logger });
await client.call({ type: 'use', candidate });
await client.call({ type: 'apply', plan });
console.log(`holding ${client.pid}`);
client.lost.then((error) => {
  console.log(`lost ${error.code}`);
  process.exit(1);
});
const exempt = Array.from({ length: 1_000 }, (_, index) => ({
  family: 4,
  address: '192.0.2.1',
  port: index + 1,
}));
const ask = () => client.call({ type: 'apply', plan: { ...plan, exempt } }).then(ask, () => {});
if (isBusy) void ask();
process.on('SIGTERM', () => client.close().then(() => process.exit(0)));
