import { closeSync } from 'node:fs';
import { lastErrno, openLibc } from '../library.ts';

/** sys/socket.h of Linux; the same on every architecture that Node runs on. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2_000_000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** struct sockaddr_un: the family, and a path with room for a zero at its end. */
const FAMILY_BYTES = 2;
const MAX_PATH_BYTES = 107;

/**
 * Sends one datagram to a socket of the file system, or, with `@` at the beginning, of the abstract namespace. Node.js has no
 * such sockets. Linux only.
 *
 * @throws Error with what was refused and errno
 */
export function sendDatagram(path: string, text: string): void {
  const name = Buffer.from(path.replace(/^@/, '\0'));
  if (name.length === 0 || name.length > MAX_PATH_BYTES) throw new Error(`${path} is no path of a socket`);
  // One in the file system ends with a zero; the length of an abstract one counts.
  const address = Buffer.alloc(FAMILY_BYTES + name.length + (path.startsWith('@') ? 0 : 1));
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, FAMILY_BYTES);
  const libc = openLibc();
  const newSocket = libc.func('int socket(int domain, int type, int protocol)');
  const sendTo = libc.func(
    'intptr_t sendto(int descriptor, const void *bytes, uintptr_t length, int flags, const void *address, uint32_t addressLength)',
  );
  const descriptor = Number(newSocket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (descriptor < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
  try {
    const bytes = Buffer.from(text);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const sent = Number(sendTo(descriptor, bytes, bytes.length, flags, address, address.length));
    if (sent < 0) throw new Error(`sendto ${path} failed with errno ${lastErrno()}`);
  } finally {
    closeSync(descriptor);
  }
}
