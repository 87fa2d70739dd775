// A program and the listener that its datagrams are redirected to: `PORT DESTINATION#PORT...`. One socket of each family sends to all
// destinations; each is answered. Prints for each whom the listener has it from, and whom the program has its answer from. It stays, so
// that the kernel still knows.
import { createSocket } from 'node:dgram';

const [port, ...destinations] = process.argv.slice(2);
const found = {};
const note = (name, what) => {
  found[name] = { ...found[name], ...what };
  const all = Object.values(found);
  if (all.length === destinations.length && all.every(({ answeredBy }) => answeredBy))
    console.log(JSON.stringify(found));
};
for (const [type, loopback] of [
  ['udp4', '127.0.0.1'],
  ['udp6', '::1'],
]) {
  const listener = createSocket({ type, ipv6Only: type === 'udp6' });
  listener.on('message', (text, source) => {
    note(String(text), { source: { address: source.address, port: source.port } });
    listener.send(text, source.port, source.address);
  });
  await new Promise((resolve) => listener.bind(Number(port), loopback, resolve));
  const program = createSocket({ type, ipv6Only: type === 'udp6' });
  program.on('message', (text, { address, port: from }) =>
    note(String(text), { answeredBy: `${address}#${from}` }),
  );
  for (const destination of destinations) {
    const [address, to] = destination.split('#');
    if (address.includes(':') === (type === 'udp6')) program.send(destination, Number(to), address);
  }
}
