/** The layout that all messages share (RFC 1035 section 4.1). Nothing here throws on packets of {@link HEADER_BYTES} or more. */

/** Id, flags, four counts. */
export const HEADER_BYTES = 12;

/** QR: an answer. */
export const FLAG_RESPONSE = 0x8000;
/** TC: not all of the answer. */
export const FLAG_TRUNCATED = 0x0200;
/** Where the response code is in the flags. */
export const RCODE = 0x000f;

/** The pseudo-record of EDNS (RFC 6891). */
export const TYPE_OPT = 41;

/** The response codes that we give (RFC 1035 section 4.1.1, RFC 6891 section 9). */
export const RCODES = {
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  badVersion: 16,
} as const;

/** Whether both ask the same; upper and lower case are one (RFC 1035 section 2.3.3). */
export function isSameQuestion(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && foldCase(a).equals(foldCase(b));
}

/** ASCII letters in lower case. Lengths of labels are below 64 and the classes in use below 65: both stay. */
export function foldCase(question: Buffer): Buffer {
  const folded = Buffer.from(question);
  const typeAt = folded.length - 4;
  for (let index = 0; index < typeAt; index += 1) {
    const byte = folded[index]!;
    if (byte >= 0x41 && byte <= 0x5a) folded[index] = byte + 0x20;
  }
  return folded;
}

/** Where the one question ends; undefined when there is not exactly one, or its name is compressed. */
export function endOfQuestion(bytes: Buffer): number | undefined {
  if (bytes.readUInt16BE(4) !== 1) return undefined;
  const nameEnd = endOfName(bytes, HEADER_BYTES, 'uncompressed');
  return nameEnd === undefined || nameEnd + 4 > bytes.length ? undefined : nameEnd + 4;
}

/** Where a name ends, at its root label or at the pointer that continues it elsewhere (RFC 1035 section 4.1.4). */
export function endOfName(bytes: Buffer, start: number, form?: 'uncompressed'): number | undefined {
  let offset = start;
  while (offset < bytes.length && offset - start < 255) {
    const length = bytes[offset]!;
    if (length === 0) return offset + 1;
    if (length >= 0xc0) return form === 'uncompressed' || offset + 2 > bytes.length ? undefined : offset + 2;
    if (length > 63) return undefined;
    offset += 1 + length;
  }
  return undefined;
}
