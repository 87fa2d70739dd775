import { addressBytes, bytesToAddress } from '../../net/address/literal.ts';
import { endOfName, endOfQuestion, HEADER_BYTES } from './layout.ts';

/** RFC 1035 section 3.2.2, RFC 3596: the type of an address, and how long it is. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 4],
  [28, 16],
]);

/** AD: a resolver vouches for what the records say (RFC 4035 section 3.2.3). */
const FLAG_AUTHENTIC = 0x0020;

/**
 * An answer with other addresses in its A and AAAA records, in whatever section. What is changed nobody vouches for any more.
 *
 * @param map the address in the place of a canonical one; undefined leaves it
 * @returns the very same where nothing is changed, and where it cannot be read
 */
export function mapAnswer(answer: Buffer, map: (address: string) => string | undefined): Buffer {
  if (answer.length < HEADER_BYTES) return answer;
  let offset = answer.readUInt16BE(4) === 0 ? HEADER_BYTES : endOfQuestion(answer);
  let mapped: Buffer | undefined;
  const records = answer.readUInt16BE(6) + answer.readUInt16BE(8) + answer.readUInt16BE(10);
  for (let index = 0; index < records; index += 1) {
    const nameEnd: number | undefined = offset === undefined ? undefined : endOfName(answer, offset);
    if (nameEnd === undefined || nameEnd + 10 > answer.length) return answer;
    const [start, length] = [nameEnd + 10, answer.readUInt16BE(nameEnd + 8)];
    offset = start + length;
    if (offset > answer.length) return answer;
    if (ADDRESS_BYTES.get(answer.readUInt16BE(nameEnd)) !== length) continue;
    const other = map(bytesToAddress(answer.subarray(start, offset)));
    if (other === undefined) continue;
    mapped ??= Buffer.from(answer);
    addressBytes(other).copy(mapped, start);
  }
  mapped?.writeUInt16BE(mapped.readUInt16BE(2) & ~FLAG_AUTHENTIC, 2);
  return mapped ?? answer;
}
