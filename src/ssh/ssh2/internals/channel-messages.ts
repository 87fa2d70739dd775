import { type ChannelWireEvents, isOurChannel } from '../channels/channel-wire.ts';

/** RFC 4254 section 9. */
export const SSH_MSG_CHANNEL_DATA = 94;
const SSH_MSG_CHANNEL_OPEN_CONFIRMATION = 91;
const SSH_MSG_CHANNEL_WINDOW_ADJUST = 93;
const SSH_MSG_CHANNEL_EOF = 96;
const SSH_MSG_CHANNEL_CLOSE = 97;

/** In a decrypted packet, before the message's own fields: padding length, message type, recipient. */
const TYPE_OFFSET = 1;
const RECIPIENT_OFFSET = 2;
const FIELDS_OFFSET = 6;
const INTEGER_BYTES = 4;

/**
 * Tells of a decrypted packet that is one of the messages that every flow needs, for a channel of ours.
 *
 * @returns false for everything else, and for what is malformed: ssh2 reads, or refuses, that
 */
export function takeChannelMessage(packet: Buffer, events: ChannelWireEvents): boolean {
  const fieldBytes = packet.length - (packet[0] ?? 0) - FIELDS_OFFSET;
  if (fieldBytes < 0) return false;
  const localId = packet.readUInt32BE(RECIPIENT_OFFSET);
  if (!isOurChannel(localId)) return false;
  switch (packet[TYPE_OFFSET]) {
    case SSH_MSG_CHANNEL_DATA: {
      if (fieldBytes < INTEGER_BYTES) return false;
      const bytes = packet.readUInt32BE(FIELDS_OFFSET);
      if (INTEGER_BYTES + bytes > fieldBytes) return false;
      const dataOffset = FIELDS_OFFSET + INTEGER_BYTES;
      events.onData(localId, packet.subarray(dataOffset, dataOffset + bytes));
      return true;
    }
    case SSH_MSG_CHANNEL_OPEN_CONFIRMATION: {
      if (fieldBytes < 3 * INTEGER_BYTES) return false;
      events.onConfirmation(
        localId,
        packet.readUInt32BE(FIELDS_OFFSET),
        packet.readUInt32BE(FIELDS_OFFSET + INTEGER_BYTES),
        packet.readUInt32BE(FIELDS_OFFSET + 2 * INTEGER_BYTES),
      );
      return true;
    }
    case SSH_MSG_CHANNEL_WINDOW_ADJUST:
      if (fieldBytes < INTEGER_BYTES) return false;
      events.onWindowAdjust(localId, packet.readUInt32BE(FIELDS_OFFSET));
      return true;
    case SSH_MSG_CHANNEL_EOF:
      events.onEof(localId);
      return true;
    case SSH_MSG_CHANNEL_CLOSE:
      events.onClose(localId);
      return true;
    default:
      return false;
  }
}
