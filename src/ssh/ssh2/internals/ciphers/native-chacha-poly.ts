import { timingSafeEqual } from 'node:crypto';
import { corruptedPacket, LENGTH_BYTES } from './cipher-shape.ts';
import { NativeCipher } from './native-cipher.ts';
import { NativeMac } from './native-mac.ts';

/** PROTOCOL.chacha20poly1305: two keys, one for the body and one for the length. */
const KEY_BYTES = 32;
/** Of ChaCha20; the first of a packet's body gives the key of Poly1305, and is not used for more. */
const BLOCK_BYTES = 64;
const MAC_KEY_BYTES = 32;
/** OpenSSL's IV: a count of blocks, little endian, and the packet's number. */
const IV_BYTES = 16;
const SEQUENCE_OFFSET = 12;

/** Of Poly1305. */
export const TAG_BYTES = 16;

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** chacha20-poly1305@openssh.com for one direction, in place: OpenSSL's AEAD of a like name is another construction (RFC 8439). */
export class ChaChaPoly {
  readonly #body: NativeCipher;
  readonly #length: NativeCipher;
  readonly #mac: NativeMac;
  readonly #iv = Buffer.alloc(IV_BYTES);
  readonly #firstBlock = Buffer.alloc(BLOCK_BYTES);
  readonly #macKey = this.#firstBlock.subarray(0, MAC_KEY_BYTES);
  readonly #lengthBytes = Buffer.alloc(LENGTH_BYTES);
  readonly #tag = Buffer.alloc(TAG_BYTES);

  private constructor(body: NativeCipher, length: NativeCipher, mac: NativeMac) {
    this.#body = body;
    this.#length = length;
    this.#mac = mac;
  }

  /** @param key 64 bytes @returns owned, and freed, by the caller; undefined where there is none */
  static open(bodyKey: Uint8Array, lengthKey: Uint8Array): ChaChaPoly | undefined {
    if (bodyKey.length !== KEY_BYTES || lengthKey.length !== KEY_BYTES) return undefined;
    const body = NativeCipher.open('chacha20', bodyKey, undefined, 'encrypt');
    const length = NativeCipher.open('chacha20', lengthKey, undefined, 'encrypt');
    const mac = NativeMac.poly1305();
    if (body !== undefined && length !== undefined && mac !== undefined)
      return new ChaChaPoly(body, length, mac);
    for (const part of [body, length, mac]) part?.free();
    return undefined;
  }

  /** Encrypts a packet where it is, its length first, and fills in its tag at its end. @throws Error when it is freed */
  seal(sequence: number, packet: Buffer): void {
    const tagOffset = packet.length - TAG_BYTES;
    const length = packet.subarray(0, LENGTH_BYTES);
    const body = packet.subarray(LENGTH_BYTES, tagOffset);
    this.#begin(sequence);
    this.#length.restart(this.#iv);
    must(this.#length.pass(length, length) && this.#body.pass(body, body));
    this.#authenticate(packet.subarray(0, tagOffset), packet.subarray(tagOffset));
  }

  /** The length of a packet; it stays encrypted, as it is what was authenticated. @throws Error as {@link seal} */
  lengthOf(sequence: number, encrypted: Uint8Array): number {
    this.#iv.writeUInt32BE(sequence, SEQUENCE_OFFSET);
    this.#length.restart(this.#iv);
    must(this.#length.pass(this.#lengthBytes, encrypted));
    return this.#lengthBytes.readUInt32BE(0);
  }

  /**
   * Decrypts a packet where it is, but for its length, when its tag is right.
   *
   * @param packet with its length, without its tag
   * @throws Error when it is not what was sent, or as {@link seal}
   */
  open(sequence: number, packet: Buffer, tag: Buffer): void {
    const body = packet.subarray(LENGTH_BYTES);
    this.#begin(sequence);
    this.#authenticate(packet, this.#tag);
    if (!timingSafeEqual(this.#tag, tag)) throw corruptedPacket();
    must(this.#body.pass(body, body));
  }

  /** Gives its memory back. Idempotent. */
  free(): void {
    for (const part of [this.#body, this.#length, this.#mac]) part.free();
  }

  /** The body's cipher is then at its second block. */
  #begin(sequence: number): void {
    this.#iv.writeUInt32BE(sequence, SEQUENCE_OFFSET);
    this.#body.restart(this.#iv);
    must(this.#body.pass(this.#firstBlock, ZEROS));
  }

  #authenticate(bytes: Uint8Array, tag: Uint8Array): void {
    this.#mac.restart(this.#macKey);
    this.#mac.update(bytes);
    this.#mac.finish(tag);
  }
}

function must(isDone: boolean): void {
  if (!isDone) throw new Error('OpenSSL refuses ChaCha20');
}
