import type { Socket } from 'node:net';
import { defineStruct, hasNativeLibrary, lastErrno, openLibc } from '../library.ts';
import { descriptorOf } from './descriptor.ts';

/** asm-generic/socket.h, linux/socket.h. */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** struct cmsghdr is a size_t and two ints; a 64-bit one and a descriptor, up to the next multiple of 8. */
const CONTROL_HEADER_BYTES = 16;
const CONTROL_BYTES = 24;

interface Message {
  readonly name: null;
  readonly nameLength: number;
  readonly parts: ReadonlyArray<{ readonly base: Buffer; readonly length: number }>;
  readonly partCount: number;
  readonly control: Buffer;
  readonly controlLength: number;
  readonly flags: number;
}

type SendMessage = (descriptor: number, message: Message, flags: number) => number;

let sendMessage: SendMessage | undefined;

/**
 * Gives the process at the other end of a unix socket a copy of a descriptor, beside one byte of zero (unix(7), SCM_RIGHTS).
 *
 * Whatever was written to the socket before must have left Node: its order to the descriptor would be lost otherwise.
 *
 * @throws Error when the system refuses, when the socket is closed, or where it is not a 64-bit Linux
 */
export function sendDescriptor(socket: Socket, descriptor: number): void {
  const over = descriptorOf(socket);
  if (over === undefined) throw new Error('the connection is closed');
  const control = Buffer.alloc(CONTROL_BYTES);
  control.writeBigUInt64LE(BigInt(CONTROL_HEADER_BYTES + 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, CONTROL_HEADER_BYTES);
  const message: Message = {
    name: null,
    nameLength: 0,
    parts: [{ base: Buffer.alloc(1), length: 1 }],
    partCount: 1,
    control,
    controlLength: CONTROL_BYTES,
    flags: 0,
  };
  sendMessage ??= prepareDescriptorPassing();
  if (sendMessage(over, message, MSG_DONTWAIT | MSG_NOSIGNAL) !== 1) {
    throw new Error(`sendmsg failed with errno ${lastErrno()}`);
  }
}

/** Whether {@link sendDescriptor} can work here. */
export function canPassDescriptors(): boolean {
  const isWide = ['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch);
  return process.platform === 'linux' && isWide && hasNativeLibrary();
}

function prepareDescriptorPassing(): SendMessage {
  if (!canPassDescriptors()) throw new Error('descriptors are passed on 64-bit Linux with koffi only');
  defineStruct('tshuttle_iovec', { base: 'void *', length: 'size_t' });
  defineStruct('tshuttle_msghdr', {
    name: 'void *',
    nameLength: 'uint32_t',
    parts: 'tshuttle_iovec *',
    partCount: 'size_t',
    control: 'void *',
    controlLength: 'size_t',
    flags: 'int',
  });
  return openLibc().func(
    'intptr_t sendmsg(int descriptor, const tshuttle_msghdr *message, int flags)',
  ) as SendMessage;
}
