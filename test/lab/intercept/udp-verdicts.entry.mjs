// Sends a datagram to every destination of a JSON list on standard input, each from a socket that is connected to it, and prints for
// each what became of it: `left`, when it has come past all rules of ours, or the error that the socket has got, and after how long.
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';

const DEADLINE_MS = 5_000;
/** What is refused is refused by then. */
const REFUSED_WITHIN_MS = 200;

const send = ([host, port, from = 0]) =>
  new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    let sentAtMs = 0;
    const told = new Promise((tell) =>
      socket.on('error', ({ code }) => tell({ verdict: code, afterMs: performance.now() - sentAtMs })),
    );
    socket.bind(from, () => {
      socket.setBroadcast(true);
      socket.connect(port, host, (error) => {
        if (error) reject(error);
        // The system says here, too, that it has dropped it.
        else {
          sentAtMs = performance.now();
          socket.send('x', () => resolve({ socket, told }));
        }
      });
    });
  });

const destinations = JSON.parse(await text(process.stdin));
const sent = [];
for (const destination of destinations) sent.push(await send(destination));
// What follows stops this process, and with it the clock of what it is told.
await Promise.race([Promise.all(sent.map(({ told }) => told)), setTimeout(REFUSED_WITHIN_MS)]);
const left = ['left4', 'left6']
  .map((set) => execFileSync('nft', ['list', 'set', 'inet', 'lab', set], { encoding: 'utf8' }))
  .join()
  .match(/[0-9a-f.:]+ \. \d+/g);
const verdicts = await Promise.all(
  destinations.map(async ([host, port], index) => {
    if (left?.includes(`${host} . ${port}`)) return { verdict: 'left', afterMs: 0 };
    const late = setTimeout(DEADLINE_MS, { verdict: 'no answer', afterMs: DEADLINE_MS }, { ref: false });
    return await Promise.race([sent[index].told, late]);
  }),
);
for (const { socket } of sent) socket.close();
console.log(JSON.stringify(verdicts));
