import { closeSync, openSync } from 'node:fs';
import { addressBytes } from '../address/literal.ts';
import { lastErrno, openLibc } from './library.ts';

/** linux/if_tun.h, linux/if.h, linux/sockios.h; the same on every architecture that Node runs on but MIPS and PowerPC. */
const TUNSETIFF = 0x4004_54ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_UP = 0x0001;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2_000_000;

/** struct ifreq: 16 bytes of name, then a union of 24. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;

/** `%d` is the first number that is free. */
const NAME_PATTERN = 'tshuttle%d';

type Ioctl = (descriptor: number, request: number, argument: Buffer) => number;

/** A network device of ours that leads nowhere: what is sent to it is dropped. */
export interface TunDevice {
  readonly name: string;
  /** Removes the device and with it its addresses and routes. Idempotent. */
  close(): void;
}

/**
 * Makes a TUN device with one IPv4 address and, by its netmask, a route to the network that the address is in. The kernel
 * removes it when this process ends, however it ends: the descriptor is close-on-exec, so no child has it
 * (native-notes/synthetic-route.md).
 *
 * @throws Error with what was refused and errno; nothing is left behind then
 */
export function openTunDevice(address: string, netmask: string): TunDevice {
  const libc = openLibc();
  const ioctl = libc.func(
    'int ioctl(int descriptor, unsigned long request, _Inout_ void *argument)',
  ) as Ioctl;
  const newSocket = libc.func('int socket(int domain, int type, int protocol)') as (
    ...words: number[]
  ) => number;
  const tun = openSync('/dev/net/tun', 'r+');
  let control = -1;
  const must = (what: string, descriptor: number, request: number, argument: Buffer): void => {
    if (ioctl(descriptor, request, argument) < 0) throw new Error(`${what} failed with errno ${lastErrno()}`);
  };
  try {
    const wanted = ifreq(NAME_PATTERN);
    wanted.writeUInt16LE(IFF_TUN | IFF_NO_PI, NAME_BYTES);
    must('TUNSETIFF', tun, TUNSETIFF, wanted);
    const name = wanted.toString('latin1', 0, wanted.indexOf(0));
    control = newSocket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) throw new Error(`socket failed with errno ${lastErrno()}`);
    must('SIOCSIFADDR', control, SIOCSIFADDR, ifreqWithAddress(name, address));
    must('SIOCSIFNETMASK', control, SIOCSIFNETMASK, ifreqWithAddress(name, netmask));
    const flags = ifreq(name);
    flags.writeUInt16LE(IFF_UP, NAME_BYTES);
    must('SIOCSIFFLAGS', control, SIOCSIFFLAGS, flags);
    let isOpen = true;
    return {
      name,
      close: () => {
        if (isOpen) closeSync(tun);
        isOpen = false;
      },
    };
  } catch (error) {
    closeSync(tun);
    throw error;
  } finally {
    if (control >= 0) closeSync(control);
  }
}

function ifreq(name: string): Buffer {
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 'latin1');
  return request;
}

/** With a struct sockaddr_in: family, port, address. */
function ifreqWithAddress(name: string, address: string): Buffer {
  const request = ifreq(name);
  request.writeUInt16LE(AF_INET, NAME_BYTES);
  addressBytes(address).copy(request, NAME_BYTES + 4);
  return request;
}
