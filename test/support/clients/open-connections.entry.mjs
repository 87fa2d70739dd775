// Connections that stay open, in both directions. `speaker ADDRESS...` dials each address and is dialled by it; on a line
// `speak N` it writes on the first N connections of each kind, and prints as JSON what became of each. `echoer ADDRESS...` is
// the other side. Each address has the other side's address with it, `HERE=THERE`.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const PORT = 7100;
const ANSWER_MS = 3_000;
const [, , role, count, ...pairs] = process.argv;
const isSpeaker = role === 'speaker';

/** By kind: `dialled 10.77.0.2`, `accepted 198.51.100.2`. */
const connections = new Map();
const add = (kind, socket) => {
  connections.set(kind, [...(connections.get(kind) ?? []), socket]);
  let failure;
  socket.on('error', (error) => {
    failure = error.code;
  });
  socket.on('close', () => {
    socket.failure = failure ?? 'closed';
  });
  if (!isSpeaker) socket.pipe(socket);
};

for (const pair of pairs) {
  const [host] = pair.split('=');
  const server = createServer((socket) => add(`accepted ${host}`, socket));
  await new Promise((resolve) => server.listen({ host, port: PORT, ipv6Only: true }, resolve));
}
console.log('listening');

const speak = (socket, text) =>
  new Promise((resolve) => {
    if (socket.failure !== undefined) return resolve(socket.failure);
    const done = (outcome) => {
      clearTimeout(timer);
      socket.removeAllListeners('data');
      resolve(outcome);
    };
    const timer = setTimeout(() => done('no answer'), ANSWER_MS);
    socket.on('data', (data) => done(String(data) === text ? 'answered' : `got ${data}`));
    socket.once('close', () => done(socket.failure));
    socket.write(text);
  });

createInterface({ input: process.stdin }).on('line', async (line) => {
  const [command, argument] = line.split(' ');
  if (command === 'dial') {
    for (const pair of pairs)
      for (let index = 0; index < Number(count); index += 1) {
        const [, host] = pair.split('=');
        const socket = connect({ host, port: PORT });
        add(`dialled ${host}`, socket);
        await new Promise((resolve) => socket.once('connect', resolve));
      }
    console.log('dialled');
  }
  if (command === 'speak') {
    const outcomes = [...connections].map(async ([kind, sockets]) => [
      kind,
      await Promise.all(sockets.slice(0, Number(argument)).map((socket) => speak(socket, `${argument} `))),
    ]);
    console.log(`spoken ${argument} ${JSON.stringify(Object.fromEntries(await Promise.all(outcomes)))}`);
  }
});
