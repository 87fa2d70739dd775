import type { Socket } from 'node:net';
import { endianness } from 'node:os';
import { hasNativeLibrary } from './library.ts';
import { getSocketOption } from './socket-option.ts';

/** Who is at the other end of a unix socket, as the kernel noted it when the connection was made. */
export interface PeerCredentials {
  readonly userId: number;
  /** Undefined where the system does not tell. */
  readonly pid: number | undefined;
}

/** linux/socket.h: SOL_SOCKET, SO_PEERCRED; struct ucred is pid, uid, gid. Not on mips and sparc, which have other numbers. */
const LINUX = { level: 1, name: 17, length: 12, pidAt: 0, userAt: 4 };

/** sys/un.h of macOS: SOL_LOCAL, LOCAL_PEERCRED; struct xucred is version, uid, ngroups, groups[16]. */
const MACOS = { level: 0, name: 1, length: 76, pidAt: undefined, userAt: 4 };

/** Whether {@link peerCredentials} can tell anything here: without a native library the permissions of a socket have to do. */
export function canTellPeers(): boolean {
  return hasNativeLibrary();
}

/**
 * unix(7) SO_PEERCRED, unix(4) of macOS LOCAL_PEERCRED; undefined when the socket is closed or of another kind, or
 * {@link canTellPeers} is false.
 */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  const layout = process.platform === 'darwin' ? MACOS : LINUX;
  const value = Buffer.alloc(layout.length);
  if (!getSocketOption(socket, layout.level, layout.name, value)) return undefined;
  const read = (offset: number): number =>
    endianness() === 'LE' ? value.readUInt32LE(offset) : value.readUInt32BE(offset);
  const pid = layout.pidAt === undefined ? undefined : read(layout.pidAt);
  return { userId: read(layout.userAt), pid };
}

/**
 * The user at the other end of a unix socket, when it is neither this one nor root: to be asked before a word is said. Undefined
 * also where the system does not tell, or there is no native library: then it is for the modes of folder and socket to keep others out.
 */
export function strangerAt(socket: Socket): number | undefined {
  let user: number | undefined;
  try {
    user = peerCredentials(socket)?.userId;
  } catch {
    return undefined;
  }
  return user === process.geteuid?.() || user === 0 ? undefined : user;
}
