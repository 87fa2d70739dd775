import type { Socket } from 'node:net';
import { endianness } from 'node:os';
import { hasNativeLibrary, WORD_BYTES } from './library.ts';
import { getSocketOption } from './socket-option.ts';

/** Who is at the other end of a unix socket, as the kernel noted it when the connection was made. */
export interface PeerCredentials {
  readonly userId: number;
  /** Undefined where the system does not tell. */
  readonly pid: number | undefined;
}

/** A socket option that tells of the peer, and where in its struct, in bytes. */
interface PeerOption {
  readonly level: number;
  readonly name: number;
  readonly length: number;
  readonly userAt: number;
  readonly pidAt: number | undefined;
  /** Of the struct's layout, which has to be 0 (XUCRED_VERSION). */
  readonly versionAt?: number;
}

/** Of struct xucred: the version, the user, a short with padding, and 16 groups. */
const XUCRED_GROUPS_END = 4 + 4 + 4 + 16 * 4;

/** By `process.platform`; native-notes/peer-credentials.md has the sources. */
const OPTIONS: Readonly<Partial<Record<string, PeerOption>>> = {
  // SOL_SOCKET, SO_PEERCRED; struct ucred is pid, uid, gid. Not on mips and sparc, which have other numbers.
  linux: { level: 1, name: 17, length: 12, pidAt: 0, userAt: 4 },
  // SOL_LOCAL, LOCAL_PEERCRED; struct xucred is version, uid, ngroups, groups[16]. The pid is LOCAL_PEERPID's.
  darwin: { level: 0, name: 1, length: XUCRED_GROUPS_END, pidAt: undefined, userAt: 4, versionAt: 0 },
  // The same, with the pid behind it since 13.0, in a union with a pointer.
  freebsd: {
    ...{ level: 0, name: 1, userAt: 4, versionAt: 0 },
    length: alignedTo(WORD_BYTES, XUCRED_GROUPS_END) + WORD_BYTES,
    pidAt: alignedTo(WORD_BYTES, XUCRED_GROUPS_END),
  },
  // SOL_SOCKET, SO_PEERCRED; struct sockpeercred is uid, gid, pid.
  openbsd: { level: 0xffff, name: 0x1022, length: 12, userAt: 0, pidAt: 8 },
};

/** SOL_LOCAL, LOCAL_PEERPID of Darwin: a pid_t. */
const DARWIN_PEER_PID = { level: 0, name: 2, length: 4 };

function alignedTo(unit: number, offset: number): number {
  return Math.ceil(offset / unit) * unit;
}

/** Whether {@link peerCredentials} can tell anything here: without a native library the permissions of a socket have to do. */
export function canTellPeers(): boolean {
  return OPTIONS[process.platform] !== undefined && hasNativeLibrary();
}

/**
 * What the kernel says of a unix socket's peer (native-notes/peer-credentials.md); undefined when the socket is closed or of another kind,
 * or {@link canTellPeers} is false.
 */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  const option = OPTIONS[process.platform];
  if (option === undefined) return undefined;
  const value = Buffer.alloc(option.length);
  if (!getSocketOption(socket, option.level, option.name, value)) return undefined;
  const peer = decodePeer(process.platform, value);
  if (peer === undefined || process.platform !== 'darwin') return peer;
  const pid = Buffer.alloc(DARWIN_PEER_PID.length);
  const isTold = getSocketOption(socket, DARWIN_PEER_PID.level, DARWIN_PEER_PID.name, pid);
  return { ...peer, pid: isTold ? readInt(pid, 0) : undefined };
}

/** The peer in what a system has answered; undefined where that is of a layout that is not known. */
export function decodePeer(platform: string, value: Buffer): PeerCredentials | undefined {
  const option = OPTIONS[platform];
  if (option === undefined || value.length < option.length) return undefined;
  const { userAt, pidAt, versionAt } = option;
  if (versionAt !== undefined && readInt(value, versionAt) !== 0) return undefined;
  const pid = pidAt === undefined ? 0 : readInt(value, pidAt);
  return { userId: readInt(value, userAt), pid: pid === 0 ? undefined : pid };
}

function readInt(value: Buffer, offset: number): number {
  return endianness() === 'LE' ? value.readUInt32LE(offset) : value.readUInt32BE(offset);
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
