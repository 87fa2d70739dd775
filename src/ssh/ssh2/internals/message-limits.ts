import { WireReader } from '../../keys/wire.ts';
import { isOurChannel } from '../channels/channel-wire.ts';
import { MessageAllowance } from '../message-allowance.ts';
import { ProtocolViolation, uselessMessages } from '../peer-conduct.ts';

/** Message numbers of RFC 4250 section 4.1, and of the ranges that it gives to key exchange and authentication methods. */
const SERVICE_ACCEPT = 6;
const KEXINIT = 20;
const KEX_DH_GEX_GROUP = 31;
const NEWKEYS = 21;
const [FIRST_OF_KEX, LAST_OF_KEX] = [NEWKEYS, 49];
const USERAUTH_FAILURE = 51;
const USERAUTH_SUCCESS = 52;
const USERAUTH_BANNER = 53;
const USERAUTH_INFO_REQUEST = 60;
const [FIRST_OF_USERAUTH, LAST_OF_USERAUTH] = [50, 79];
const GLOBAL_REQUEST = 80;
const [REQUEST_SUCCESS, REQUEST_FAILURE] = [81, 82];
const [FIRST_TO_CHANNEL, LAST_TO_CHANNEL] = [91, 100];
const DISCONNECT = 1;

/** A login with every key and several questions has a few dozen, and a banner of as many packets. */
const MAX_MESSAGES_BEFORE_LOGIN = 1_000;
const MAX_BYTES_BEFORE_LOGIN = 1024 * 1024;

/** PAM asks one or two things at a time. */
const MAX_QUESTIONS = 32;

/** RFC 8270, and OpenSSH's DH_GRP_MAX: a larger one is computed with for seconds, or tested for minutes. */
const MAX_GROUP_BYTES = 8192 / 8;

/** A key exchange for so many bytes is RekeyLimit's; of others there may be a few. */
const BYTES_PER_KEY_EXCHANGE = 16 * 1024;
const KEY_EXCHANGES_AT_ONCE = 50;
const KEY_EXCHANGES_PER_SECOND = 2;

const HOST_KEYS = 'hostkeys-00@openssh.com';

/** What is known of a connection when a message arrives. */
export interface ConnectionView {
  /** Of ours, without an answer. */
  pendingAuthentications(): number;
  /** Whether ssh2 has a channel of this number, beside ours. */
  isChannel(localId: number): boolean;
  /** Global requests of ours, without an answer. */
  pendingRequests(): number;
  /** Whether the group of the key exchange is the bastion's to choose. */
  isGroupExchange(): boolean;
  /** In both directions, so far. */
  movedBytes(): number;
  nowMs(): number;
}

/**
 * What a bastion may send, and how often: pure. Before the login so many messages and bytes, and answers only to what was asked;
 * after it, beside the channels, hardly anything (native-notes/hostile-peers.md has why).
 */
export class MessageLimits {
  readonly #connection: ConnectionView;
  readonly #useless = uselessMessages();
  readonly #keyExchanges = new MessageAllowance(KEY_EXCHANGES_AT_ONCE, KEY_EXCHANGES_PER_SECOND);
  #isExchangingKeys = false;
  #isLoggedIn = false;
  #messagesBeforeLogin = 0;
  #bytesBeforeLogin = 0;
  #isServiceAccepted = false;
  #hasAnnouncedKeys = false;
  #movedBytesAtKeyExchange = 0;

  constructor(connection: ConnectionView) {
    this.#connection = connection;
  }

  /**
   * Judges a message, in the order of arrival.
   *
   * @param payload from its number on; not empty
   * @returns false when it is not to be looked at
   * @throws ProtocolViolation when the connection must be closed
   */
  mayBeTaken(payload: Buffer): boolean {
    const type = payload[0] ?? 0;
    if (!this.#isLoggedIn) this.#countBeforeLogin(payload);
    if (type >= FIRST_TO_CHANNEL && type <= LAST_TO_CHANNEL) return this.#isForChannel(payload);
    if (type >= FIRST_OF_USERAUTH && type <= LAST_OF_USERAUTH) return this.#mayAuthenticate(type, payload);
    if (type >= FIRST_OF_KEX && type <= LAST_OF_KEX) return this.#mayExchangeKeys(type, payload);
    switch (type) {
      case DISCONNECT:
        return true;
      case KEXINIT:
        this.#isExchangingKeys = true;
        this.#countKeyExchange();
        return true;
      case SERVICE_ACCEPT:
        if (this.#isServiceAccepted) return this.#isUseless();
        this.#isServiceAccepted = true;
        return true;
      case GLOBAL_REQUEST:
        this.#countUseless();
        this.#checkHostKeys(payload);
        return true;
      case REQUEST_SUCCESS:
      case REQUEST_FAILURE:
        return this.#connection.pendingRequests() > 0 || this.#isUseless();
      default:
        this.#countUseless();
        return true;
    }
  }

  #countBeforeLogin(payload: Buffer): void {
    this.#messagesBeforeLogin += 1;
    this.#bytesBeforeLogin += payload.length;
    if (this.#messagesBeforeLogin > MAX_MESSAGES_BEFORE_LOGIN) {
      throw new ProtocolViolation(
        `it sends more than ${MAX_MESSAGES_BEFORE_LOGIN} messages before the login`,
      );
    }
    if (this.#bytesBeforeLogin > MAX_BYTES_BEFORE_LOGIN) {
      throw new ProtocolViolation(`it sends more than ${MAX_BYTES_BEFORE_LOGIN} bytes before the login`);
    }
  }

  #isForChannel(payload: Buffer): boolean {
    if (payload.length < 5) return this.#isUseless();
    const localId = payload.readUInt32BE(1);
    return isOurChannel(localId) || this.#connection.isChannel(localId) || this.#isUseless();
  }

  #mayAuthenticate(type: number, payload: Buffer): boolean {
    if (this.#isLoggedIn) return this.#isUseless();
    switch (type) {
      case USERAUTH_BANNER:
        return true;
      case USERAUTH_FAILURE:
      case USERAUTH_SUCCESS:
      case USERAUTH_INFO_REQUEST:
        break;
      default:
        return this.#isUseless();
    }
    if (this.#connection.pendingAuthentications() === 0) {
      throw new ProtocolViolation('it answers to a login that was not asked for');
    }
    if (type === USERAUTH_SUCCESS) this.#isLoggedIn = true;
    if (type === USERAUTH_INFO_REQUEST) checkQuestions(payload);
    return true;
  }

  #mayExchangeKeys(type: number, payload: Buffer): boolean {
    if (!this.#isExchangingKeys) return this.#isUseless();
    if (type === NEWKEYS) this.#isExchangingKeys = false;
    if (type === KEX_DH_GEX_GROUP && this.#connection.isGroupExchange()) checkGroup(payload);
    return true;
  }

  #countKeyExchange(): void {
    if (!this.#isLoggedIn) return;
    const movedBytes = this.#connection.movedBytes();
    const isDue = movedBytes - this.#movedBytesAtKeyExchange >= BYTES_PER_KEY_EXCHANGE;
    this.#movedBytesAtKeyExchange = movedBytes;
    if (isDue || this.#keyExchanges.spend(this.#connection.nowMs())) return;
    throw new ProtocolViolation('it exchanges keys again and again');
  }

  /** As OpenSSH's own client (clientloop.c, client_input_hostkeys): each key is parsed, and has to be proved. */
  #checkHostKeys(payload: Buffer): void {
    const isAnnouncement =
      new WireReader(payload.subarray(1)).string()?.equals(Buffer.from(HOST_KEYS)) === true;
    if (!isAnnouncement) return;
    if (this.#hasAnnouncedKeys) throw new ProtocolViolation('it tells its host keys again');
    this.#hasAnnouncedKeys = true;
  }

  /** @returns false */
  #isUseless(): boolean {
    this.#countUseless();
    return false;
  }

  #countUseless(): void {
    if (this.#useless.spend(this.#connection.nowMs())) return;
    throw new ProtocolViolation('it sends message after message that is of no use');
  }
}

/** ssh2 makes room for all the questions that are announced, before it reads the first one. */
function checkQuestions(payload: Buffer): void {
  const reader = new WireReader(payload.subarray(1));
  const [name, instructions, language] = [reader.string(), reader.string(), reader.string()];
  const isComplete = name !== undefined && instructions !== undefined && language !== undefined;
  // Of publickey (RFC 4252 section 7) two strings, and of a change of the password as well.
  if (!isComplete) return;
  const questions = reader.uint32() ?? 0;
  if (questions > MAX_QUESTIONS) throw new ProtocolViolation(`it asks ${questions} questions at once`);
}

function checkGroup(payload: Buffer): void {
  const prime = new WireReader(payload.subarray(1)).string();
  // The first byte of a positive number may be a zero.
  if (prime !== undefined && prime.length > MAX_GROUP_BYTES + 1) {
    throw new ProtocolViolation(`it wants to exchange keys with a group of ${prime.length * 8} bits`);
  }
}
