// Listens like a tunnel on the loopback addresses, connects to every destination of a JSON list on standard input, as each of another
// list in its turn, and prints for each whether the connection arrived here. Nothing else in the namespace listens.
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import koffi from 'koffi';

const port = Number(process.argv[2]);
const PARALLEL = 64;

/** IP_TRANSPARENT, IPV6_TRANSPARENT: tproxy leads nothing to others, and for a redirect it changes nothing. Only root may. */
const libc = koffi.load(null);
const setsockopt = libc.func('int setsockopt(int, int, int, const void *, uint32_t)');
const makeTransparent = (descriptor, isIpv6) => {
  const [level, name] = isIpv6 ? [41, 75] : [0, 19];
  setsockopt(descriptor, level, name, new Int32Array([1]), 4);
};

const servers = await Promise.all(
  ['127.0.0.1', '::1'].map(
    (host) =>
      new Promise((resolve, reject) => {
        const server = createServer((socket) => socket.on('error', () => {}).end());
        server.once('error', reject);
        server.listen({ host, port, backlog: 511 }, () => {
          makeTransparent(server._handle.fd, host.includes(':'));
          resolve(server);
        });
      }),
  ),
);

// By libc, of all threads: where libuv is a library of the system, as on Debian, Node.js refuses it for fear of io_uring (CVE-2024-22017).
const call = (prototype, ...words) => {
  if (libc.func(prototype)(...words) !== 0) throw new Error(`${prototype} failed`);
};
/** What its sockets are made by from now on; no way leads back from another user. */
const become = ({ userId, cgroup }) => {
  if (cgroup !== undefined) writeFileSync(`${cgroup}/cgroup.procs`, `${process.pid}`);
  if (userId === undefined) return;
  call('int setgroups(size_t, const void *)', 0, null);
  call('int setgid(uint32_t)', userId);
  call('int setuid(uint32_t)', userId);
};

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

const { destinations, connectors } = JSON.parse(await text(process.stdin));
const verdicts = [];
for (const connector of connectors) {
  become(connector);
  const found = new Array(destinations.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (next < destinations.length) {
        const index = next++;
        found[index] = await verdict(destinations[index]);
      }
    }),
  );
  verdicts.push(found);
}
console.log(JSON.stringify(verdicts));
for (const server of servers) server.close();
