/** sys/ioccom.h of macOS and the BSDs: an argument that goes in and comes back, its size, pf's group `D`, and the number. */
const IN_AND_OUT = 0xc0000000;
const SIZE_SHIFT = 16;
const GROUP = 'D'.charCodeAt(0) << 8;

/** `_IOWR('D', number, argument)` of net/pfvar.h. */
export function readWrite(number: number, argumentBytes: number): number {
  return IN_AND_OUT + (argumentBytes << SIZE_SHIFT) + GROUP + number;
}
