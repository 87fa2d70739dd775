import { closeSync } from 'node:fs';
import { addressBytes, familyOf } from '../../address/literal.ts';
import { lastSystemError, libcFunctionOr } from '../library.ts';
import { bindToInterface } from './bind-to-interface.ts';

/** sys/socket.h and bits/in.h of Linux; the same on every architecture that Node runs on. */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4_000;
const SOCK_CLOEXEC = 0o2_000_000;

type NewSocket = (domain: number, type: number, protocol: number) => number;
type Bind = (descriptor: number, address: Buffer, length: number) => number;

/**
 * A datagram socket at an address of an interface, which takes only what comes in there. Node.js has no way to choose the interface
 * before the first datagram, and none to the descriptor of a socket of its own.
 *
 * @param host a literal address, with the interface as its scope where it is of one link
 * @param scopeId of that interface; 0 for any other address
 * @returns the descriptor, which the caller has to close
 * @throws Error with the `code` of the system
 */
export function openInterfaceDatagram(
  host: string,
  port: number,
  interfaceName: string,
  scopeId: number,
): number {
  const newSocket = libcFunctionOr<NewSocket>('int socket(int domain, int type, int protocol)', () => -1);
  const bind = libcFunctionOr<Bind>(
    'int bind(int descriptor, const void *address, uint32_t length)',
    () => -1,
  );
  const address = socketAddress(host, port, scopeId);
  const domain = familyOf(host) === 4 ? AF_INET : AF_INET6;
  const descriptor = newSocket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw lastSystemError('socket');
  try {
    bindToInterface(descriptor, interfaceName);
    if (bind(descriptor, address, address.length) !== 0) throw lastSystemError('bind');
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** struct sockaddr_in and sockaddr_in6: the family in the machine's own order, the port in the network's. */
function socketAddress(host: string, port: number, scopeId: number): Buffer {
  const [literal = host] = host.split('%');
  const bytes = addressBytes(literal);
  const isIpv4 = bytes.length === 4;
  const address = Buffer.alloc(isIpv4 ? 16 : 28);
  new DataView(address.buffer, address.byteOffset).setUint16(
    0,
    isIpv4 ? AF_INET : AF_INET6,
    IS_LITTLE_ENDIAN,
  );
  address.writeUInt16BE(port, 2);
  bytes.copy(address, isIpv4 ? 4 : 8);
  if (!isIpv4) new DataView(address.buffer, address.byteOffset).setUint32(24, scopeId, IS_LITTLE_ENDIAN);
  return address;
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
