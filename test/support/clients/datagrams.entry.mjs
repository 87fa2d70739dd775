// `serve ADDRESS PORT`: sends every datagram back. `ask ADDRESS PORT COUNT`: sends so many, of 10 to 1,400 bytes, 20 at a time, from one
// socket that is connected to there, and prints how many came back as they were; it waits for those that are late.
import { createSocket } from 'node:dgram';

const [what, address, port, count = '0'] = process.argv.slice(2);
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
if (what === 'serve') {
  socket.on('message', (datagram, { address: from, port: fromPort }) =>
    socket.send(datagram, fromPort, from),
  );
  socket.bind(Number(port), address, () => console.log('ready'));
} else {
  const DEADLINE_MS = 10_000;
  const AT_ONCE = 20;
  const waiting = new Map();
  let sent = 0;
  let exact = 0;
  const end = (outcome) => {
    console.log(JSON.stringify({ sent, exact, ...outcome }));
    process.exit();
  };
  const send = () => {
    while (sent < Number(count) && waiting.size < AT_ONCE) {
      const datagram = Buffer.alloc(10 + ((sent * 7) % 1_391), sent);
      datagram.writeUInt32BE(sent);
      waiting.set(sent, datagram);
      socket.send(datagram);
      sent += 1;
    }
    if (sent === Number(count) && waiting.size === 0) end({});
  };
  socket.on('error', ({ code }) => end({ code }));
  socket.on('message', (datagram) => {
    const index = datagram.readUInt32BE();
    if (waiting.get(index)?.equals(datagram) === true) exact += 1;
    waiting.delete(index);
    send();
  });
  socket.connect(Number(port), address, send);
  setTimeout(() => end({ lost: waiting.size }), DEADLINE_MS);
}
