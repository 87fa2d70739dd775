// The lab's destination: answers one JSON request line per connection, on every port given as an argument.
//   {"do":"whoami"}                        the addresses it sees, then FIN
//   {"do":"echo"}                          what it gets, until FIN
//   {"do":"download","seed":S,"bytes":N}   N seeded bytes, then FIN
//   {"do":"upload"}                        reads to FIN, then answers count and SHA-256
//   {"do":"both","seed":S,"bytes":N}       N seeded bytes while reading to FIN, then count and SHA-256 as the last line
//   {"do":"farewell","seed":S}             FIN at once, then reads to FIN and keeps count and SHA-256 as a receipt
//   {"do":"receipt","seed":S}              the receipt of the farewell with that seed, as soon as there is one
//   {"do":"stall"}                         reads nothing more, says nothing
//   {"do":"reset"}                         answers with a reset
// The last port speaks HTTP: the path back as the body.
import { createHash } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { writeSeeded } from './seeded-stream.mjs';

const MAX_LINE_BYTES = 4096;
const LISTEN_BACKLOG = 1024;

const ports = process.argv.slice(2).map(Number);
const httpPort = ports.pop();

function plain(address) {
  return (address ?? '').replace(/^::ffff:/, '');
}

/** Reads the request line and leaves what follows it unread in the socket. */
function readRequest(socket, answer) {
  let head = Buffer.alloc(0);
  const onData = (chunk) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end < 0 && head.length > MAX_LINE_BYTES) return void socket.destroy();
    if (end < 0) return;
    socket.off('data', onData);
    socket.pause();
    if (end + 1 < head.length) socket.unshift(head.subarray(end + 1));
    void answer(JSON.parse(head.subarray(0, end).toString()));
  };
  socket.on('data', onData);
}

async function readAll(socket) {
  const hash = createHash('sha256');
  let bytes = 0;
  await new Promise((resolve) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    socket.on('end', resolve).on('close', resolve);
    socket.resume();
  });
  return { bytes, sha256: hash.digest('hex') };
}

/** By seed: what the farewells have received. */
const receipts = new Map();

function receiptOf(seed) {
  const known = receipts.get(seed);
  if (known !== undefined) return known;
  const receipt = {};
  receipt.promise = new Promise((resolve) => {
    receipt.resolve = resolve;
  });
  receipts.set(seed, receipt);
  return receipt;
}

const answers = {
  async whoami(socket) {
    const seen = {
      peer: plain(socket.remoteAddress),
      local: plain(socket.localAddress),
      port: socket.localPort,
    };
    socket.end(`${JSON.stringify(seen)}\n`);
    socket.resume();
  },
  async echo(socket) {
    socket.pipe(socket);
  },
  async download(socket, { seed, bytes }) {
    socket.resume();
    await writeSeeded(socket, seed, bytes);
    socket.end();
  },
  async upload(socket) {
    socket.end(`${JSON.stringify(await readAll(socket))}\n`);
  },
  async both(socket, { seed, bytes }) {
    const [received] = await Promise.all([readAll(socket), writeSeeded(socket, seed, bytes)]);
    socket.end(`${JSON.stringify(received)}\n`);
  },
  async farewell(socket, { seed }) {
    socket.end();
    receiptOf(seed).resolve(await readAll(socket));
  },
  async receipt(socket, { seed }) {
    socket.end(`${JSON.stringify(await receiptOf(seed).promise)}\n`);
    socket.resume();
  },
  async stall() {},
  async reset(socket) {
    socket.resetAndDestroy();
  },
};

function serve(socket) {
  socket.on('error', () => {}); // the tests break connections on purpose
  readRequest(socket, (request) => answers[request.do](socket, request));
}

const hosts = ['0.0.0.0', '::'];
let starting = hosts.length * (ports.length + 1);
const ready = () => {
  starting -= 1;
  if (starting === 0) console.log('ready');
};
for (const host of hosts) {
  const options = { host, ipv6Only: true, backlog: LISTEN_BACKLOG };
  for (const port of ports) createServer({ allowHalfOpen: true }, serve).listen({ ...options, port }, ready);
  const http = createHttpServer((request, response) => {
    response.end(`${plain(request.socket.remoteAddress)} asked for ${request.url}`);
  });
  http.listen({ ...options, port: httpPort }, ready);
}
