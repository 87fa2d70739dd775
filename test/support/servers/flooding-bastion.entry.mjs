// An ssh server that lets anybody in and then floods the client with one kind of message, as fast as it takes them.
// node flooding-bastion.entry.mjs KIND: prints its port, and `flooding` when it begins.

import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import ssh2 from 'ssh2';

const { sendPacket } = createRequire(import.meta.url)('ssh2/lib/protocol/utils.js');
const kind = process.argv[2];

const uint32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const string = (value) => Buffer.concat([uint32(Buffer.byteLength(value)), Buffer.from(value)]);
const message = (type, ...fields) => Buffer.concat([Buffer.of(type), ...fields]);
const some = Buffer.alloc(1_000, 'x');
/** The first id that the client gives out: of the session, where nothing else is open. */
const CHANNEL = uint32(0x4000_0000);
const hostKey = () => string(Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, 7))]));

/** What is sent again and again, after the login. */
const FLOODS = {
  IGNORE: [message(2, string(some))],
  UNIMPLEMENTED: [message(3, uint32(1))],
  DEBUG: [message(4, Buffer.of(1), string(some), string(''))],
  SERVICE_REQUEST: [message(5, string('ssh-userauth'))],
  SERVICE_ACCEPT: [message(6, string('ssh-userauth'))],
  EXT_INFO: [message(7, uint32(1), string('server-sig-algs'), string('rsa-sha2-512,'.repeat(500)))],
  NEWKEYS: [message(21)],
  KEX_31: [message(31, string(some))],
  USERAUTH_REQUEST: [message(50, string('me'), string('ssh-connection'), string('none'))],
  USERAUTH_FAILURE: [message(51, string('publickey,keyboard-interactive,password'), Buffer.of(0))],
  USERAUTH_SUCCESS: [message(52)],
  USERAUTH_BANNER: [message(53, string(some), string(''))],
  USERAUTH_60: [message(60, string(''), string(''), string(''), uint32(1), string('Code: '), Buffer.of(0))],
  GLOBAL_REQUEST: [message(80, string('keepalive@openssh.com'), Buffer.of(1))],
  HOSTKEYS: [
    message(80, string('hostkeys-00@openssh.com'), Buffer.of(0), ...Array.from({ length: 300 }, hostKey)),
  ],
  REQUEST_SUCCESS: [message(81)],
  REQUEST_FAILURE: [message(82)],
  CHANNEL_OPEN: [
    message(
      90,
      string('forwarded-tcpip'),
      uint32(1),
      uint32(2 ** 21),
      uint32(32_768),
      string('a'),
      uint32(1),
      string('b'),
      uint32(2),
    ),
  ],
  CHANNEL_OPEN_CONFIRMATION: [message(91, CHANNEL, uint32(0), uint32(2 ** 31), uint32(0))],
  CHANNEL_OPEN_FAILURE: [message(92, CHANNEL, uint32(1), string(some), string(''))],
  CHANNEL_WINDOW_ADJUST: [message(93, CHANNEL, uint32(1))],
  CHANNEL_DATA: [message(94, CHANNEL, string(Buffer.alloc(32_000)))],
  CHANNEL_EXTENDED_DATA: [message(95, CHANNEL, uint32(1), string(Buffer.alloc(32_000)))],
  CHANNEL_EOF: [message(96, CHANNEL)],
  CHANNEL_CLOSE: [message(97, CHANNEL)],
  CHANNEL_REQUEST: [message(98, CHANNEL, string('keepalive@openssh.com'), Buffer.of(1))],
  CHANNEL_SUCCESS: [message(99, CHANNEL)],
  CHANNEL_FAILURE: [message(100, CHANNEL)],
  OTHER_CHANNEL: [message(94, uint32(0), string(some))],
  UNKNOWN: [message(192, some)],
  EMPTY: [Buffer.alloc(0)],
};

/** What is sent in answer to the first attempt to log in. */
const BEFORE_LOGIN = {
  LOGIN_BANNER: FLOODS.USERAUTH_BANNER,
  LOGIN_IGNORE: FLOODS.IGNORE,
  LOGIN_FAILURE: FLOODS.USERAUTH_FAILURE,
  LOGIN_ACCEPT: FLOODS.SERVICE_ACCEPT,
  LOGIN_QUESTIONS: [message(60, string(''), string(''), string(''), uint32(31_000_000))],
};

function send(connection, payload) {
  const { _protocol: protocol } = connection;
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  sendPacket(protocol, write.finalize(packet));
}

/** As fast as the client reads; what it sends is read. */
function flood(connection, socket, payloads) {
  const more = () => {
    if (socket.destroyed) return;
    try {
      for (let bytes = 0; bytes < 1024 * 1024; ) {
        for (const payload of payloads) {
          send(connection, payload);
          bytes += payload.length + 32;
        }
      }
    } catch {
      return;
    }
    if (socket.writableNeedDrain) socket.once('drain', more);
    else setImmediate(more);
  };
  process.stdout.write('flooding\n');
  more();
}

/** Now and then the key that ssh2 makes is one that it cannot read (ssh2-key.ts). */
function makeServer() {
  for (;;) {
    try {
      return new ssh2.Server({ hostKeys: [ssh2.utils.generateKeyPairSync('ed25519').private] });
    } catch {
      // Another one, then.
    }
  }
}

const server = makeServer();
server.on('connection', (connection) => {
  const { _sock: socket } = connection;
  connection.on('error', () => {});
  connection.on('authentication', (context) => {
    if (BEFORE_LOGIN[kind] === undefined) {
      context.accept();
      return;
    }
    if (kind === 'LOGIN_QUESTIONS' && context.method === 'none') context.reject(['keyboard-interactive']);
    else flood(connection, socket, BEFORE_LOGIN[kind]);
  });
  connection.on('session', () => {});
  connection.on('ready', () => {
    if (kind === 'KEXINIT') {
      process.stdout.write('flooding\n');
      connection.on('rekey', () => connection.rekey());
      connection.rekey();
    } else if (kind === 'SESSION') {
      // It confirms, and never answers the request for the program.
      connection.on('session', (accept) => {
        accept();
        flood(connection, socket, FLOODS.CHANNEL_DATA);
      });
    } else if (kind === 'NO_PACKETS') {
      connection._protocol._handlers.CHANNEL_OPEN = (_protocol, { sender }) => {
        send(connection, message(91, uint32(sender), uint32(0), uint32(2 ** 31), uint32(0)));
        process.stdout.write('flooding\n');
      };
    } else if (FLOODS[kind] !== undefined) {
      // Behind the client's own first messages.
      setTimeout(() => flood(connection, socket, FLOODS[kind]), 200);
    }
  });
});

/** Text without end where the version is to come. */
const talker = createServer((socket) => {
  socket.on('error', () => {});
  process.stdout.write('flooding\n');
  const line = 'x'.repeat(kind === 'LINES_BEFORE_VERSION' ? 60 : 8_000_000);
  const more = () => {
    while (socket.write(kind === 'LINES_BEFORE_VERSION' ? `${line}\r\n` : line));
    socket.once('drain', more);
  };
  more();
});

const listener = kind.endsWith('BEFORE_VERSION') ? talker : server;
listener.listen(0, '127.0.0.1', () => process.stdout.write(`port ${listener.address().port}\n`));
