// Sends COUNT packets that are not DNS, or not quite, to port 53 of ADDRESS, by UDP and some by TCP.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [address, count] = [process.argv[2], Number(process.argv[3])];
let seed = 42;
const random = (below) => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed % below;
};
const query = Buffer.from(
  '00010100000100000000000108646174616261736505696e6e6572076578616d706c650000010001000029100000000000000c000a0008121badeb9ce77e55',
  'hex',
);

function packet(index) {
  const kind = index % 4;
  if (kind === 0) return Buffer.from(Array.from({ length: random(600) }, () => random(256)));
  if (kind === 1) return Buffer.alloc(30_000 + random(30_000), random(256));
  const broken = Buffer.from(query);
  for (let times = 1 + random(4); times > 0; times -= 1) broken[2 + random(broken.length - 2)] = random(256);
  return kind === 2 ? broken : broken.subarray(0, random(broken.length));
}

const socket = createSocket('udp4');
for (let index = 0; index < count; index += 1) {
  await new Promise((resolve) => socket.send(packet(index), 53, address, resolve));
}
socket.close();

for (let index = 0; index < count / 100; index += 1) {
  await new Promise((resolve) => {
    const client = connect(53, address, () => client.end(packet(index)));
    client.on('error', () => {});
    client.on('close', resolve);
    client.resume();
  });
}
