// Listens like a tunnel on the loopback addresses, connects to every destination of a JSON list on standard input, and
// prints for each whether the connection arrived here. Nothing else in the namespace listens.
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

const port = Number(process.argv[2]);
const PARALLEL = 64;

const servers = await Promise.all(
  ['127.0.0.1', '::1'].map(
    (host) =>
      new Promise((resolve, reject) => {
        const server = createServer((socket) => socket.on('error', () => {}).end());
        server.once('error', reject);
        server.listen({ host, port, backlog: 511 }, () => resolve(server));
      }),
  ),
);

const verdict = ([host, destinationPort]) =>
  new Promise((resolve) => {
    const socket = connect({ host, port: destinationPort });
    socket.setTimeout(5_000, () => socket.destroy(new Error('timeout')));
    socket.once('connect', () => {
      resolve('captured');
      socket.destroy();
    });
    socket.once('error', (error) =>
      resolve(error.code === 'ECONNREFUSED' ? 'passed' : `${error.code ?? error.message}`),
    );
  });

const destinations = JSON.parse(await text(process.stdin));
const verdicts = new Array(destinations.length);
let next = 0;
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    while (next < destinations.length) {
      const index = next++;
      verdicts[index] = await verdict(destinations[index]);
    }
  }),
);
console.log(JSON.stringify(verdicts));
for (const server of servers) server.close();
