// The demo's destination: tells every caller who it believes to be talking to, or hands out a large file.
import { createCipheriv, createHash } from 'node:crypto';
import { createServer } from 'node:http';

const LARGE_BYTES = 48 * 1024 * 1024;
const large = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(
  Buffer.alloc(LARGE_BYTES),
);
const sha256 = createHash('sha256').update(large).digest('hex');

const server = createServer((request, response) => {
  const caller = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  if (request.url === '/large') response.setHeader('x-sha256', sha256).end(large);
  else response.setHeader('x-caller', caller).end(`Hello ${caller}, this is the database.\n`);
});
process.stdin.resume().on('end', () => process.exit()); // the stage is gone
process.stdin.once('data', () => server.listen(80, () => console.log(JSON.stringify({ kind: 'ready' }))));
console.log(JSON.stringify({ kind: 'started' }));
