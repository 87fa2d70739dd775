import type { Socket } from 'node:net';
import type { Client } from 'ssh2';
import { messageOf } from '../../../core/errors.ts';
import { ProtocolViolation } from '../peer-conduct.ts';
import { socketQueue } from './connection-internals.ts';
import { computeUntested, type GroupExchange } from './group-exchange-internals.ts';
import type { ReadKexInit } from './key-exchange-internals.ts';
import { MessageLimits } from './message-limits.ts';

// Every message passes `_packetRW.read.read` of ssh2's protocol object, which inflates it where compression was agreed on: in a key
// exchange, before the login and after it. Channel messages of AES-GCM connections do not (packet-internals.ts): the multiplexer
// counts those. Not public; connection-internals.ts refuses any other version (native-notes/hostile-peers.md).

/** RFC 4253 section 6.1: a server need not send more than 32,768 bytes; 35,000 compressed ones could be 35 MB. */
const MAX_INFLATED_BYTES = 256 * 1024;

/** In a row; they carry nothing at all. */
const MAX_EMPTY_PACKETS = 2_000;

/** A key exchange holds everything up until it is over. */
const KEY_EXCHANGE_LIMIT_MS = 60_000;

/** SSH_MSG_IGNORE, to which ssh2 does nothing. */
const IGNORE = Buffer.of(2);
const KEXINIT = 20;
const KEX_DH_GEX_GROUP = 31;

interface PacketReader {
  read(packet: Buffer): Buffer;
  /** Of connections with compression. */
  readonly _zlib?: { _maxOutputLength: number };
}

interface GuardedProtocol {
  readonly _packetRW: { read: PacketReader };
  readonly _authsQueue: readonly string[];
  readonly _kex: object | undefined;
  _onPacket: () => void;
  _onHandshakeComplete: (...args: unknown[]) => void;
}

/**
 * Holds a bastion to {@link MessageLimits} from its first message on. To be called right after `connect()`; what it does not keep to
 * is an `error` of the client.
 */
export function guardMessages(client: Client, socket: Socket, readKexInit: ReadKexInit): void {
  const internals = client as unknown as {
    readonly _protocol: GuardedProtocol;
    readonly _callbacks: readonly unknown[];
    readonly _chanMgr: { get(id: number): unknown };
  };
  const { _protocol: protocol, _callbacks: callbacks } = internals;
  const limits = new MessageLimits({
    pendingAuthentications: () => protocol._authsQueue.length,
    isChannel: (localId) => internals._chanMgr.get(localId) !== undefined,
    pendingRequests: () => callbacks.length,
    isGroupExchange: () => isGroupExchange(protocol._kex),
    movedBytes: () => socket.bytesRead + socketQueue(socket).takenBytes,
    nowMs: () => performance.now(),
  });
  let emptyPackets = 0;
  let deadline: NodeJS.Timeout | undefined;

  protocol._onPacket = () => {
    emptyPackets += 1;
    if (emptyPackets > MAX_EMPTY_PACKETS)
      throw new ProtocolViolation('it sends one empty packet after another');
  };
  const guarded = (reader: PacketReader): PacketReader => {
    const read = reader.read;
    if (reader._zlib !== undefined) reader._zlib._maxOutputLength = MAX_INFLATED_BYTES;
    reader.read = (packet) => {
      emptyPackets = 0;
      const payload = reader._zlib === undefined ? read.call(reader, packet) : inflated(reader, read, packet);
      if (!limits.mayBeTaken(payload)) return IGNORE;
      if (payload[0] === KEXINIT) {
        limitKeyExchange();
        return readKexInit(payload);
      }
      if (payload[0] === KEX_DH_GEX_GROUP && isGroupExchange(protocol._kex)) computeUntested(protocol._kex);
      return payload;
    };
    return reader;
  };
  // The reader is replaced where compression begins.
  let current = guarded(protocol._packetRW.read);
  Object.defineProperty(protocol._packetRW, 'read', {
    enumerable: true,
    get: () => current,
    set: (reader: PacketReader) => {
      current = guarded(reader);
    },
  });

  const limitKeyExchange = (): void => {
    clearTimeout(deadline);
    deadline = setTimeout(() => {
      client.emit('error', new ProtocolViolation('it does not finish the key exchange that it began'));
    }, KEY_EXCHANGE_LIMIT_MS);
    deadline.unref();
  };
  const handshakeComplete = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (...args) => {
    clearTimeout(deadline);
    handshakeComplete(...args);
  };
  socket.once('close', () => clearTimeout(deadline));
}

/** @throws ProtocolViolation, where ssh2 throws words of its own about its buffers */
function inflated(reader: PacketReader, read: PacketReader['read'], packet: Buffer): Buffer {
  try {
    return read.call(reader, packet);
  } catch (error) {
    const isTooLong = messageOf(error).startsWith('Output length exceeded');
    throw new ProtocolViolation(
      isTooLong
        ? `it sends a packet that is more than ${MAX_INFLATED_BYTES} bytes when it is inflated`
        : `it sends what cannot be inflated: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function isGroupExchange(exchange: object | undefined): exchange is GroupExchange {
  return exchange !== undefined && Reflect.get(exchange, 'type') === 'groupex';
}
