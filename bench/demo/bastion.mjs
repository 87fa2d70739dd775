// The demo's bastion: an SSH server that knows one key and does one thing, direct-tcpip. No shell, no command.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import ssh2 from 'ssh2';

const [hostKeyFile, userKeyFile] = process.argv.slice(2);
const userKey = ssh2.utils.parseKey(readFileSync(userKeyFile));

// A new namespace inherits the machine's setting, which may be 1.
for (const setting of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) {
  try {
    writeFileSync(`/proc/sys/net/${setting}`, '0');
  } catch {
    // Read-only or without IPv6; the stage checks that the database cannot be reached.
  }
}

function isOurs(context) {
  if (context.method !== 'publickey' || !context.key.data.equals(userKey.getPublicSSH())) return false;
  return (
    context.signature === undefined ||
    userKey.verify(context.blob, context.signature, context.hashAlgo) === true
  );
}

const server = new ssh2.Server({ hostKeys: [readFileSync(hostKeyFile)] }, (client, info) => {
  client.on('error', () => {}); // it ends the connection, nothing else
  client.on('authentication', (context) =>
    isOurs(context) ? context.accept() : context.reject(['publickey']),
  );
  client.on('ready', () =>
    console.log(
      JSON.stringify({ kind: 'connection', from: `${info.ip.replace('::ffff:', '')}:${info.port}` }),
    ),
  );
  client.on('session', (_accept, reject) => reject());
  client.on('tcpip', (accept, reject, { destIP, destPort }) => {
    const socket = connect({ host: destIP, port: destPort, allowHalfOpen: true });
    socket.once('error', () => reject());
    socket.once('connect', () => {
      console.log(JSON.stringify({ kind: 'channel', to: destIP, port: destPort }));
      socket.removeAllListeners('error');
      const channel = accept();
      socket.on('error', () => channel.destroy());
      channel.on('error', () => socket.destroy());
      channel.on('close', () => socket.destroy());
      socket.pipe(channel).pipe(socket);
    });
  });
});
process.stdin.resume().on('end', () => process.exit()); // the stage is gone
process.stdin.once('data', () => server.listen(22, () => console.log(JSON.stringify({ kind: 'ready' }))));
console.log(JSON.stringify({ kind: 'started' }));
