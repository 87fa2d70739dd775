// Stands for tshuttle's main process: holds rules through a helper until it is killed.
import { startHelper } from '../../../../src/intercept/client/client.ts';

const { command, plan } = JSON.parse(process.argv[2]);
const log = (message) => console.error(message);
const client = await startHelper({ command, logger: { debug: log, info: log, warn: log, error: log } });
console.log(`helper ${client.pid}`);
client.lost.then((error) => console.log(`lost ${error.code}`));
await client.call({ type: 'cleanup' });
await client.call({ type: 'use', candidate: 'pf' });
await client.call({ type: 'apply', plan });
console.log('holding');
