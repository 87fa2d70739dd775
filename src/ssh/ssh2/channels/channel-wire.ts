import type { Endpoint, HostPort } from '../../../net/address/endpoint.ts';
import type { TcpPath } from './flow-control/path-monitor.ts';

/** What a session runs (RFC 4254 section 6.5). */
export type SessionProgram =
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'subsystem'; readonly name: string };

/** Who has data to send, and can put it into memory that is given. */
export interface DataSource {
  /** Fills the memory from its beginning, as far as there is something now; returns the bytes. */
  fill(memory: Buffer): number;
}

/** The messages that the channel layer sends (RFC 4254 section 5); implemented over ssh2 in `channel-internals.ts`. */
export interface ChannelWire {
  /** SSH_MSG_CHANNEL_OPEN of type direct-tcpip, or direct-streamlocal@openssh.com for a unix socket. */
  open(
    localId: number,
    windowBytes: number,
    packetBytes: number,
    destination: HostPort,
    originator: Endpoint,
  ): void;
  /** SSH_MSG_CHANNEL_OPEN of type session. */
  openSession(localId: number, windowBytes: number, packetBytes: number): void;
  /** SSH_MSG_CHANNEL_REQUEST for the program of a session, with an answer. */
  startProgram(remoteId: number, program: SessionProgram): void;
  /** SSH_MSG_CHANNEL_DATA. The caller keeps to the window and the packet size; `bytes` is copied. */
  data(remoteId: number, bytes: Buffer): void;
  /**
   * The same, of what a source has now: it fills at most so many bytes, where the message is built.
   *
   * @returns how many there were; with none nothing is sent
   */
  dataFrom(remoteId: number, maxBytes: number, source: DataSource): number;
  /** SSH_MSG_CHANNEL_WINDOW_ADJUST. */
  windowAdjust(remoteId: number, bytes: number): void;
  /** SSH_MSG_CHANNEL_EOF. */
  eof(remoteId: number): void;
  /** SSH_MSG_CHANNEL_CLOSE. */
  close(remoteId: number): void;
  /** SSH_MSG_CHANNEL_FAILURE. */
  requestFailure(remoteId: number): void;
  /** Whether channel data may be sent: not while keys are exchanged, when it would pile up without bound. */
  isOpenForData(): boolean;
  /** Bytes that wait in the process to be taken by the kernel. */
  queuedBytes(): number;
  /** Gives the kernel the messages that wait to leave together; false when none does. They leave by themselves soon. */
  flush(): boolean;
  /** Whether {@link ChannelWireEvents.onWritable} comes once the kernel has taken what waits. */
  tellsWhenDrained(): boolean;
  /** Calls back once other sockets have had their turn. */
  afterOthers(callback: () => void): void;
  /** Limits what the kernel takes beyond what it can send at once. Best effort. */
  limitUnsent(bytes: number): void;
  /** Sends a request that any server answers; `onReply` is called then. Rides with the data. */
  ping(onReply: () => void): void;
  /** What the system's TCP knows of the connection. */
  tcpPath(): TcpPath | undefined;
}

/** The messages that the channel layer receives. `localId` is ours and may be one we never gave out. */
export interface ChannelWireEvents {
  onConfirmation(localId: number, remoteId: number, windowBytes: number, packetBytes: number): void;
  onFailure(localId: number, reasonCode: number, description: string): void;
  /** `bytes` are valid for a while: after the next {@link ChannelWireEvents.onReadEnd} their memory is used again. */
  onData(localId: number, bytes: Buffer): void;
  /** SSH_MSG_CHANNEL_EXTENDED_DATA, of any type: standard error, where it makes sense. */
  onExtendedData(localId: number, bytes: Buffer): void;
  /** All that has come with one read of the socket was told. */
  onReadEnd(): void;
  onWindowAdjust(localId: number, bytes: number): void;
  onEof(localId: number): void;
  onClose(localId: number): void;
  /** sshd's ClientAliveInterval asks on any open channel, and takes an unanswered request for our death. */
  onRequest(localId: number, wantReply: boolean): void;
  /** SSH_MSG_CHANNEL_SUCCESS or SSH_MSG_CHANNEL_FAILURE. */
  onRequestAnswer(localId: number, isSuccess: boolean): void;
  /** The process's queue is empty, or data may be sent again. */
  onWritable(): void;
}

/**
 * The channel ids that are ours, which are all that there are: ssh2 numbers its own channels from 0 upwards, and none is opened,
 * since it keeps to no window (native-notes/hostile-peers.md). So the two never meet, and its channel table is left alone.
 */
export const FIRST_LOCAL_ID = 0x4000_0000;

const LAST_LOCAL_ID = 0x7fff_ffff;

/** Whether a channel id is one of ours, given out or not. */
export function isOurChannel(localId: number): boolean {
  return localId >= FIRST_LOCAL_ID && localId <= LAST_LOCAL_ID;
}

/** The id to give out after another. */
export function localIdAfter(localId: number): number {
  return localId === LAST_LOCAL_ID ? FIRST_LOCAL_ID : localId + 1;
}
