// A DNS server and a client by UDP, which do the next thing whenever a line comes: `ask FROM TO` sends a query from a local to a
// remote endpoint, `answer FROM TO` an answer. What arrives at one of the ports in the arguments is printed.
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const QUERY = Buffer.from('123401000001000000000000', 'hex');
const ANSWER = Buffer.from('123481800001000000000000', 'hex');
const sockets = new Map();
for (const local of process.argv.slice(2)) {
  const [address, port] = local.split('#');
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (bytes, { address: from, port: fromPort }) => {
    console.log(`${local} got ${(bytes[2] & 0x80) === 0 ? 'a query' : 'an answer'} of ${from}#${fromPort}`);
  });
  await new Promise((resolve) => socket.bind({ address, port: Number(port) }, resolve));
  sockets.set(local, socket);
}
console.log('ready');
createInterface({ input: process.stdin }).on('line', (line) => {
  const [what, from, to] = line.split(' ');
  const [address, port] = to.split('#');
  sockets.get(from).send(what === 'ask' ? QUERY : ANSWER, Number(port), address);
});
