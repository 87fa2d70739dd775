import type { Socket } from 'node:net';
import type { Client } from 'ssh2';
import { socketPathOf } from '../../../net/address/endpoint.ts';
import { setNotSentLowWater, tcpInfo } from '../../../net/native/tcp.ts';
import { type ChannelWire, type ChannelWireEvents, isOurChannel } from '../channels/channel-wire.ts';
import { sendKeepalive } from './connection-internals.ts';
import { PacketLayer, type PacketProtocol } from './packet-internals.ts';
import { refuseOtherSsh2 } from './ssh2-version.ts';

// The data path goes past ssh2's Channel streams, straight to the methods and handlers of its protocol object, which are
// not public. The files of this folder alone know them; test/component/ssh/ssh2/internals/channel-internals.test.ts fails on any other version.

/** Makes packets of messages; compressed ones, where that was agreed on. */
interface PacketWriter {
  readonly allocStart: number;
  readonly allocStartKEX: number;
  alloc(bytes: number): Buffer;
  finalize(packet: Buffer): Buffer;
  cleanup(): void;
}

interface Protocol extends PacketProtocol {
  readonly _handlers: Record<string, (...args: never[]) => void>;
  /** Set while keys are being exchanged; data sent meanwhile piles up in an unbounded queue. */
  readonly _kexinit: unknown;
  _onHandshakeComplete: (...args: unknown[]) => void;
  readonly _packetRW: PacketProtocol['_packetRW'] & { write: PacketWriter };
  /** Undefined once it was called: at the end of the connection. */
  _destruct: ((this: Protocol, reason?: string) => void) | undefined;
  directTcpip(
    localId: number,
    windowBytes: number,
    packetBytes: number,
    addresses: {
      srcIP: string;
      srcPort: number;
      dstIP: string;
      dstPort: number;
    },
  ): void;
  openssh_directStreamLocal(
    localId: number,
    windowBytes: number,
    packetBytes: number,
    socket: { socketPath: string },
  ): void;
  session(localId: number, windowBytes: number, packetBytes: number): void;
  exec(remoteId: number, command: string, wantReply: boolean): void;
  subsystem(remoteId: number, name: string, wantReply: boolean): void;
  channelWindowAdjust(remoteId: number, bytes: number): void;
  channelEOF(remoteId: number): void;
  channelClose(remoteId: number): void;
  channelFailure(remoteId: number): void;
}

/**
 * Takes over the channels of our id range on an authenticated client.
 *
 * Messages for other channels still reach ssh2, which has none. Once per client.
 *
 * @param socket the socket under the client; only its queue is looked at
 * @throws TshuttleError ERR_INTERNAL when the installed ssh2 is not the version this was written for
 */
export function attachChannelWire(client: Client, socket: Socket, events: ChannelWireEvents): ChannelWire {
  const protocol = protocolOf(client);
  const packets = new PacketLayer(protocol, socket, events);
  takeOverHandlers(protocol, events, packets);

  const handshakeComplete = protocol._onHandshakeComplete;
  protocol._onHandshakeComplete = (...args) => {
    packets.keepRead();
    packets.onNewKeys();
    handshakeComplete(...args);
    events.onWritable();
  };
  discardAfterEnd(protocol);
  socket.on('drain', () => events.onWritable());
  // Behind the listener with which ssh2 reads.
  socket.on('data', () => events.onReadEnd());

  return {
    open: (localId, windowBytes, packetBytes, destination, originator) => {
      const socketPath = socketPathOf(destination);
      if (socketPath !== undefined) {
        protocol.openssh_directStreamLocal(localId, windowBytes, packetBytes, {
          socketPath,
        });
        return;
      }
      protocol.directTcpip(localId, windowBytes, packetBytes, {
        srcIP: originator.address,
        srcPort: originator.port,
        dstIP: destination.host,
        dstPort: destination.port,
      });
    },
    openSession: (localId, windowBytes, packetBytes) => protocol.session(localId, windowBytes, packetBytes),
    startProgram: (remoteId, program) => {
      if (program.kind === 'exec') protocol.exec(remoteId, program.command, true);
      else protocol.subsystem(remoteId, program.name, true);
    },
    data: (remoteId, bytes) => protocol.channelData(remoteId, bytes),
    dataFrom: (remoteId, maxBytes, source) => packets.sendDataFrom(remoteId, maxBytes, source),
    windowAdjust: (remoteId, bytes) => protocol.channelWindowAdjust(remoteId, bytes),
    eof: (remoteId) => protocol.channelEOF(remoteId),
    close: (remoteId) => protocol.channelClose(remoteId),
    requestFailure: (remoteId) => protocol.channelFailure(remoteId),
    isOpenForData: () => protocol._kexinit === undefined,
    queuedBytes: () => socket.writableLength + packets.outgoing.waitingBytes,
    flush: () => packets.outgoing.flush(),
    // Node emits 'drain' only above the high-water mark.
    tellsWhenDrained: () => socket.writableNeedDrain,
    afterOthers: (callback) => setImmediate(callback),
    limitUnsent: (bytes) => setNotSentLowWater(socket, bytes),
    ping: (onReply) => sendKeepalive(client, onReply),
    tcpPath: () => tcpInfo(socket),
  };
}

/**
 * Has what is still sent at the end of a connection go nowhere: ssh2 closes its compression then, and a sender gets an
 * exception, which has nothing to do with him.
 */
function discardAfterEnd(protocol: Protocol): void {
  const destruct = protocol._destruct;
  protocol._destruct = (reason) => {
    destruct?.call(protocol, reason);
    protocol._packetRW.write = {
      allocStart: 0,
      allocStartKEX: 0,
      alloc: (bytes) => Buffer.alloc(bytes),
      finalize: (packet) => packet,
      cleanup: () => {},
    };
  };
}

function protocolOf(client: Client): Protocol {
  const protocol = Reflect.get(client, '_protocol') as Protocol | undefined;
  refuseOtherSsh2(typeof protocol?._onHandshakeComplete === 'function');
  return protocol as Protocol;
}

interface OpenConfirmation {
  readonly recipient: number;
  readonly sender: number;
  readonly window: number;
  readonly packetSize: number;
}

function takeOverHandlers(protocol: Protocol, events: ChannelWireEvents, packets: PacketLayer): void {
  const handlers = protocol._handlers;
  for (const [name, handler] of Object.entries(handlers)) {
    if (name === 'REQUEST_FAILURE') continue;
    handlers[name] = (...args) => {
      packets.keepRead();
      handler(...args);
    };
  }

  const confirmation = handlers['CHANNEL_OPEN_CONFIRMATION'] as (p: Protocol, info: OpenConfirmation) => void;
  handlers['CHANNEL_OPEN_CONFIRMATION'] = (p: Protocol, info: OpenConfirmation) => {
    if (isOurChannel(info.recipient)) {
      events.onConfirmation(info.recipient, info.sender, info.window, info.packetSize);
    } else confirmation(p, info);
  };

  const takeOver = (name: string, handle: (localId: number, a: never, b: never) => void) => {
    const original = handlers[name] as (p: Protocol, localId: number, a: never, b: never) => void;
    handlers[name] = (p: Protocol, localId: number, a: never, b: never) => {
      if (isOurChannel(localId)) handle(localId, a, b);
      else original(p, localId, a, b);
    };
  };
  takeOver('CHANNEL_OPEN_FAILURE', (localId, reasonCode: number, description: string) =>
    events.onFailure(localId, reasonCode, description),
  );
  takeOver('CHANNEL_DATA', (localId, bytes: Buffer) => {
    events.onData(localId, bytes);
    // It may lie in memory of ssh2's that its next packet goes to.
    events.onReadEnd();
  });
  takeOver('CHANNEL_EXTENDED_DATA', (localId, bytes: Buffer) => events.onExtendedData(localId, bytes));
  takeOver('CHANNEL_WINDOW_ADJUST', (localId, bytes: number) => events.onWindowAdjust(localId, bytes));
  takeOver('CHANNEL_EOF', (localId) => events.onEof(localId));
  takeOver('CHANNEL_CLOSE', (localId) => events.onClose(localId));
  takeOver('CHANNEL_REQUEST', (localId, _type: string, wantReply: boolean) =>
    events.onRequest(localId, wantReply),
  );
  takeOver('CHANNEL_SUCCESS', (localId) => events.onRequestAnswer(localId, true));
  takeOver('CHANNEL_FAILURE', (localId) => events.onRequestAnswer(localId, false));
}
