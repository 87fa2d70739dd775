// Sends a datagram to every destination of a JSON list on standard input, each from a socket that is connected to it, and prints for
// each what became of it: `left`, when it has come past all rules of ours, or the error that the socket has got.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { text } from 'node:stream/consumers';

const DEADLINE_MS = 5_000;

const send = ([host, port, from = 0]) =>
  new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const told = new Promise((tell) => socket.on('error', ({ code }) => tell(code)));
    socket.bind(from, () => {
      socket.setBroadcast(true);
      socket.connect(port, host, (error) => {
        if (error) reject(error);
        // The system says here, too, that it has dropped it.
        else socket.send('x', () => resolve({ socket, told }));
      });
    });
  });

const destinations = JSON.parse(await text(process.stdin));
const sent = [];
for (const destination of destinations) sent.push(await send(destination));
const left = ['left4', 'left6']
  .map((set) => execFileSync('nft', ['list', 'set', 'inet', 'lab', set], { encoding: 'utf8' }))
  .join()
  .match(/[0-9a-f.:]+ \. \d+/g);
const verdicts = await Promise.all(
  destinations.map(async ([host, port], index) => {
    if (left?.includes(`${host} . ${port}`)) return 'left';
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve('no answer'), DEADLINE_MS);
    });
    const verdict = await Promise.race([sent[index].told, late]);
    clearTimeout(timer);
    return verdict;
  }),
);
for (const { socket } of sent) socket.close();
console.log(JSON.stringify(verdicts));
