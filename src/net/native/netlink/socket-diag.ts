import type { Endpoint } from '../../address/endpoint.ts';
import { addressBytes } from '../../address/literal.ts';
import { type NetlinkAnswer, type NetlinkSocket, openNetlink } from './netlink.ts';

/** linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h. */
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;

const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const ALL_STATES = 0xffff_ffff;

/** struct inet_diag_req_v2: family, protocol, extensions, padding, states, then struct inet_diag_sockid. */
const REQUEST_BYTES = 56;
const STATES_OFFSET = 4;
const REQUEST_SOCKET_OFFSET = 8;

/** struct inet_diag_sockid: ports, addresses, interface, cookie. */
const REMOTE_PORT_OFFSET = 2;
const LOCAL_ADDRESS_OFFSET = 4;
const REMOTE_ADDRESS_OFFSET = 20;
const COOKIE_OFFSET = 40;
const COOKIE_BYTES = 8;

/** struct inet_diag_msg: family, state, timer, retransmissions, struct inet_diag_sockid, then five words. */
const STATE_OFFSET = 1;
const FOUND_SOCKET_OFFSET = 4;
const USER_OFFSET = 64;
const INODE_OFFSET = 68;
const FOUND_BYTES = 72;

/** net/tcp_states.h. */
const TCP_LISTEN = 10;

/** errno.h: there is no such socket, or no longer; the kernel was built without CONFIG_INET_DIAG_DESTROY. */
const ENOENT = 2;
const EOPNOTSUPP = 95;

/** Any socket with these endpoints (INET_DIAG_NOCOOKIE). */
const ANY_COOKIE = Buffer.alloc(COOKIE_BYTES, 0xff);

/** A connected TCP socket of this network namespace. */
export interface TcpSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** TCP_ESTABLISHED (1) and so on: net/tcp_states.h. */
  readonly state: number;
  /** Owner, in this user namespace. */
  readonly userId: number;
  /** By which /proc/PID/fd names it; 0 for one that no process has open any more. */
  readonly inode: number;
  /** Tells this socket from any later one with the same endpoints. */
  readonly cookie: Buffer;
}

/** sock_diag(7): finds and ends single TCP sockets, of any process of this network namespace. */
export interface SocketDiag {
  /**
   * The socket that has exactly these endpoints; never one that listens, and none that is bound to a device.
   *
   * @throws Error with errno when the kernel refuses to look
   */
  find(local: Endpoint, remote: Endpoint): TcpSocket | undefined;
  /**
   * Ends a socket as an error would: its process sees ECONNABORTED at once, and the other side gets a reset. Needs
   * CAP_NET_ADMIN (native-notes/sock-destroy.md).
   *
   * @returns `unsupported` where the kernel was built without it
   * @throws Error with errno when the kernel refuses
   */
  destroy(socket: TcpSocket): 'destroyed' | 'gone' | 'unsupported';
  /** Idempotent. */
  close(): void;
}

/** Opens {@link SocketDiag}. Linux only. @throws Error with errno */
export function openSocketDiag(): SocketDiag {
  const netlink = openNetlink(NETLINK_SOCK_DIAG);
  return {
    find: (local, remote) => find(netlink, local, remote),
    destroy: ({ local, remote, cookie }) => {
      const answer = netlink.ask(SOCK_DESTROY, request(local, remote, cookie), 'acknowledged');
      if (answer.kind !== 'refused') return 'destroyed';
      if (answer.errno === ENOENT) return 'gone';
      if (answer.errno === EOPNOTSUPP) return 'unsupported';
      throw refusal(answer);
    },
    close: () => netlink.close(),
  };
}

function find(netlink: NetlinkSocket, local: Endpoint, remote: Endpoint): TcpSocket | undefined {
  const answer = netlink.ask(SOCK_DIAG_BY_FAMILY, request(local, remote, ANY_COOKIE));
  if (answer.kind === 'refused' && answer.errno === ENOENT) return undefined;
  if (answer.kind !== 'message' || answer.body.length < FOUND_BYTES) throw refusal(answer);
  const { body } = answer;
  // Where there is no connection, the kernel answers with the socket that listens for it.
  const hasThisRemote = body.readUInt16BE(FOUND_SOCKET_OFFSET + REMOTE_PORT_OFFSET) === remote.port;
  const state = body.readUInt8(STATE_OFFSET);
  if (!hasThisRemote || state === TCP_LISTEN) return undefined;
  const cookieAt = FOUND_SOCKET_OFFSET + COOKIE_OFFSET;
  const cookie = body.subarray(cookieAt, cookieAt + COOKIE_BYTES);
  const [userId, inode] = [body.readUInt32LE(USER_OFFSET), body.readUInt32LE(INODE_OFFSET)];
  return { local, remote, state, userId, inode, cookie };
}

/** struct inet_diag_req_v2, in the machine's byte order but what is a part of a packet. */
function request(local: Endpoint, remote: Endpoint, cookie: Buffer): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt8(local.family === 4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt8(IPPROTO_TCP, 1);
  bytes.writeUInt32LE(ALL_STATES, STATES_OFFSET);
  bytes.writeUInt16BE(local.port, REQUEST_SOCKET_OFFSET);
  bytes.writeUInt16BE(remote.port, REQUEST_SOCKET_OFFSET + REMOTE_PORT_OFFSET);
  addressBytes(local.address).copy(bytes, REQUEST_SOCKET_OFFSET + LOCAL_ADDRESS_OFFSET);
  addressBytes(remote.address).copy(bytes, REQUEST_SOCKET_OFFSET + REMOTE_ADDRESS_OFFSET);
  cookie.copy(bytes, REQUEST_SOCKET_OFFSET + COOKIE_OFFSET);
  return bytes;
}

function refusal(answer: NetlinkAnswer): Error {
  const why = answer.kind === 'refused' ? `errno ${answer.errno}` : `a ${answer.kind} that is none`;
  return new Error(`sock_diag answered with ${why}`);
}
