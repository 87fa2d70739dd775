// Asks a nameserver at a steady rate over UDP, each query once, and prints how long every answer took:
//   node dns-load.js ADDRESS QUERIES_PER_SECOND SECONDS -> {"lost": 0, "microseconds": [...]}
import { createSocket } from 'node:dgram';
import { setTimeout as wait } from 'node:timers/promises';

const [address = '', rate = '', seconds = ''] = process.argv.slice(2);
const perSecond = Number(rate);
const total = perSecond * Number(seconds);

/** How long an answer may take before its query counts as lost. */
const PATIENCE_MS = 1_000;

const sentAtMs = new Float64Array(total);
const microseconds: number[] = [];
const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
socket.on('error', (error) => {
  throw error;
});
socket.on('message', (answer) => {
  // The number stands in the first label: `q17.bench.example`.
  const length = answer[12] ?? 0;
  const index = Number(answer.toString('latin1', 14, 13 + length));
  microseconds.push(Math.round((performance.now() - sentAtMs[index]!) * 1_000));
});
socket.connect(53, address);
await new Promise((resolve) => socket.once('connect', resolve));

const startedAtMs = performance.now();
for (let sent = 0; sent < total; ) {
  const due = Math.min(total, Math.floor(((performance.now() - startedAtMs) / 1_000) * perSecond));
  for (; sent < due; sent += 1) {
    sentAtMs[sent] = performance.now();
    socket.send(query(sent));
  }
  await wait(1);
}
await wait(PATIENCE_MS);
socket.close();
console.log(JSON.stringify({ lost: total - microseconds.length, microseconds }));

/** A query for an A record (RFC 1035 section 4.1). */
function query(index: number): Buffer {
  const labels = [`q${index}`, 'bench', 'example'].map((label) => Buffer.from(`\0${label}`, 'latin1'));
  for (const label of labels) label[0] = label.length - 1;
  const header = Buffer.from([index >> 8, index & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}
