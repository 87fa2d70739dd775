import { addressToNumber } from './cidr.ts';

/** The 4 or 16 bytes of a literal address, in network order. */
export function addressBytes(address: string): Buffer {
  const family = address.includes(':') ? 6 : 4;
  const digits = addressToNumber(family, address).toString(16);
  return Buffer.from(digits.padStart(family === 4 ? 8 : 32, '0'), 'hex');
}
